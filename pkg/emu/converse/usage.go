package converse

// estimate counts tokens by rule of thumb, the same for the same request: four ASCII characters a token, any other
// character one, three for each message; the answer's tokens are its deltas (or by the same rule, if there is one).
//
// Everything up to the last cachePoint counts as cached: as read if it was already sent with the turn before this one,
// else as written. So a conversation's first call writes and its later ones read, without the model keeping a state
// and without the minimum that real models have (aws-facts §8).
func estimate(req Request, answer []string) Usage {
	u := Usage{Output: len(answer)}
	if len(answer) == 1 {
		u.Output = weigh(answer[0])
	}
	total, cached, seen := 0, 0, 0
	add := func(blocks []Block) {
		for _, b := range blocks {
			if b.CachePoint {
				u.Cached, cached = true, total
				continue
			}
			total += weigh(b.Text)
		}
	}
	add(req.System)
	for i, m := range req.Messages {
		total += 3
		add(m.Content)
		if i == len(req.Messages)-3 {
			seen = total
		}
	}
	u.CacheRead = min(cached, seen)
	u.CacheWrite = cached - u.CacheRead
	u.Input = total - cached
	return u
}

func weigh(text string) int {
	ascii, wide := 0, 0
	for _, r := range text {
		if r < 0x80 {
			ascii++
		} else {
			wide++
		}
	}
	return (ascii+3)/4 + wide
}
