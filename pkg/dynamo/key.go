package dynamo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"
)

// key is one item's primary key.
type key struct{ pk, sk string }

// maxKey bounds what is ever asked for, well under DynamoDB's 2048 and 1024 bytes
// (aws-facts §9). A longer key, which only a client's made-up id can give, names
// nothing.
const maxKey = 1000

func (k key) tooLong() bool  { return len(k.pk) > maxKey || len(k.sk) > maxKey }
func (k key) String() string { return k.pk + " " + k.sk }
func (k key) item() item     { return item{"pk": str(k.pk), "sk": str(k.sk)} }

func connectionKey(id string) key   { return key{"C#" + id, "C"} }
func conversationKey(id string) key { return key{"V#" + id, "V"} }
func replyKey(id string) key        { return key{"R#" + id, "R"} }

func messageKey(conversation, id string) key { return key{"V#" + conversation, "M#" + id} }
func revocationKey(user string) key          { return key{"U#" + user, "N"} }
func claimKey(user, prompt string) key       { return key{"U#" + user, "K#" + prompt} }
func headerKey(user, prompt string) key      { return key{"U#" + user, "P#H#" + prompt} }

func partKey(user, prompt string, part int) key {
	return key{"U#" + user, fmt.Sprintf("P#%02d#%s", part, prompt)}
}

// Segments hang under the reply or message whose text they hold.
func replySegments(id string) string   { return "R#" + id }
func messageSegments(id string) string { return "M#" + id }
func segmentSort(base int) string      { return fmt.Sprintf("S#%09d", base) }

func segmentBase(sk string) (int, error) { return strconv.Atoi(sk[len("S#"):]) }

// conversationSort orders a user's conversations by their last prompt.
func conversationSort(at time.Time, id string) string {
	return fmt.Sprintf("V#%013d#%s", at.UnixMilli(), id)
}

// shardOf spreads connections evenly over the partitions of indexAll.
func shardOf(conn string, shards int) string {
	h := fnv.New32a()
	h.Write([]byte(conn))
	return fmt.Sprintf("ALL#%d", h.Sum32()%uint32(shards))
}
