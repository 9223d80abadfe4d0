package chat

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// NewID returns an unguessable id: 128 random bits as 22 URL-safe characters.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// sortable is base64's URL-safe alphabet in ASCII order, so that encoded text
// sorts as the bytes do.
const sortable = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

// NewOrderedID returns an id that sorts by time: 48 bits of milliseconds, then
// 128 random bits, as 30 URL-safe characters.
func NewOrderedID(at time.Time) string {
	var b [22]byte
	binary.BigEndian.PutUint64(b[:8], uint64(at.UnixMilli())<<16)
	rand.Read(b[6:])
	return base64.NewEncoding(sortable).WithPadding(base64.NoPadding).EncodeToString(b[:])
}
