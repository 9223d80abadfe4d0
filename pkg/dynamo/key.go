package dynamo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// key is one item's primary key.
type key struct{ pk, sk string }

// maxKey bounds what is ever asked for, well under DynamoDB's 2048 and 1024 bytes
// (aws-facts §9). A longer key, which only a client's made-up id can give, names
// nothing.
const maxKey = 1000

func (k key) tooLong() bool { return len(k.pk) > maxKey || len(k.sk) > maxKey }
func (k key) item() item    { return item{"pk": str(k.pk), "sk": str(k.sk)} }

// String is the key in an error, which goes to the log: what clients and senders
// make up themselves (topics, the ids of their prompts and notifications) may be
// anything, and a number stands for it. The same name has the same number.
func (k key) String() string { return shown(k.pk) + " " + shown(k.sk) }

func shown(s string) string {
	kind, name, _ := strings.Cut(s, "#")
	switch kind {
	case "T", "K", "P", "D", "I":
		h := fnv.New32a()
		h.Write([]byte(name))
		return fmt.Sprintf("%s#(%08x)", kind, h.Sum32())
	}
	return s
}

func connectionKey(id string) key   { return key{"C#" + id, "C"} }
func conversationKey(id string) key { return key{"V#" + id, "V"} }
func replyKey(id string) key        { return key{"R#" + id, "R"} }

// A user's open connections stand in the user's own partition, where they can be
// read consistently: who is away must be known for certain.
func userConnectionKey(user, conn string) key { return key{"U#" + user, "C#" + conn} }
func homeKey(user string) key                 { return key{"U#" + user, "H"} }
func lockKey(user string) key                 { return key{"U#" + user, "L"} }

// deliveryKey is a notification's or, with part, that of a part of its fan-out.
func deliveryKey(of, part string) key { return key{"D#" + of, "D#" + part} }

func messageKey(conversation, id string) key { return key{"V#" + conversation, "M#" + id} }
func revocationKey(user string) key          { return key{"U#" + user, "N"} }
func accountKey(user string) key             { return key{"U#" + user, "Q"} }
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

// Shards is over how many partitions all connections are spread, and the list of a
// topic. Subscriptions outlive a deployment: it never changes.
const Shards = 16

// allPartition is one of the index of all connections.
func allPartition(shard int) string { return fmt.Sprintf("ALL#%d", shard) }

// topicPartition is one of the list of a topic.
func topicPartition(topic string, shard int) string { return fmt.Sprintf("T#%02d#%s", shard, topic) }

// spread gives a number below Shards, evenly.
func spread(s string) int {
	h := fnv.New32a()
	h.Write([]byte(s))
	return int(h.Sum32() % Shards)
}
