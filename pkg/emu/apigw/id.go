package apigw

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Byte 8 of an id tells its kind (aws-facts §2, decoded captures).
const (
	connectionKind = 0x02
	requestKind    = 0x05
)

// idTail is what a messageId shares with its connectionId: the last 3 bytes.
type idTail [3]byte

func newTail(kind byte) idTail {
	n := rand.Uint32()
	return idTail{kind, byte(n), byte(n >> 8)}
}

// idSource makes ids as AWS's look: 11 bytes in URL-safe base64, 16 characters
// with one =, the leading bytes rising with time. The counter keeps them apart.
type idSource struct{ n atomic.Uint32 }

func (s *idSource) next(now time.Time, tail idTail) string {
	var b [11]byte
	// AWS's ids count in steps of about 25 ms and so wrap after some years.
	binary.BigEndian.PutUint32(b[:4], uint32(now.UnixMilli()/25))
	n := s.n.Add(1)
	b[4], b[5], b[6], b[7] = byte(n>>16), byte(n>>8), byte(n), 0x33
	copy(b[8:], tail[:])
	return base64.URLEncoding.EncodeToString(b[:])
}

func newTraceID(now time.Time) string {
	return fmt.Sprintf("Root=1-%08x-%016x%08x", now.Unix(), rand.Uint64(), rand.Uint32())
}
