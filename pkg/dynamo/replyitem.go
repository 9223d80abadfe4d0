package dynamo

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

// replyItem is a reply as it is first stored. What only an end sets is left out.
func replyItem(r chat.Reply) item {
	it := replyKey(r.ID).item()
	it["user"], it["conv"], it["prompt"] = str(r.User), str(r.Conversation), str(r.Prompt)
	it["state"], it["owner"], it["seq"], it["lease"] = str(string(r.State)), str(r.Owner), num(r.Seq), millis(r.Lease)
	it["length"], it["base"], it["tail"] = num(r.Length), num(r.Base), str(r.Tail)
	it["n"] = num(r.N)
	it["ln"], it["lo"], it["lm"] = listenerMaps(r.Listeners)
	it["created"], it["invoked"] = millis(r.Created), millis(r.Invoked)
	if r.Held > 0 {
		it["held"] = num(r.Held)
	}
	return it
}

func replyOf(id string, it item) chat.Reply {
	return chat.Reply{
		ID: id, User: it.str("user"), Conversation: it.str("conv"), Prompt: it.str("prompt"),
		State: chat.State(it.str("state")), Owner: it.str("owner"), Seq: it.num("seq"), Lease: it.time("lease"),
		Length: it.int("length"), Base: it.int("base"), Tail: it.str("tail"),
		StopWish: it.flag("stop"), N: it.num("n"), Listeners: it.listeners(),
		EndStop: it.str("endStop"), EndBy: it.str("endBy"), Usage: usageOf(it.dict("usage")), Timing: timingOf(it.dict("timing")),
		Created: it.time("created"), Invoked: it.time("invoked"), Held: it.int("held"),
	}
}

func usageValue(u chat.Usage) types.AttributeValue {
	return dict(item{"in": num(u.Input), "out": num(u.Output), "read": num(u.CacheRead), "write": num(u.CacheWrite)})
}

func usageOf(it item) chat.Usage {
	return chat.Usage{Input: it.int("in"), Output: it.int("out"), CacheRead: it.int("read"), CacheWrite: it.int("write")}
}

func timingValue(m chat.Timing) types.AttributeValue {
	return dict(item{"first": num(m.First.Milliseconds()), "total": num(m.Total.Milliseconds())})
}

func timingOf(it item) chat.Timing {
	return chat.Timing{
		First: time.Duration(it.num("first")) * time.Millisecond,
		Total: time.Duration(it.num("total")) * time.Millisecond,
	}
}
