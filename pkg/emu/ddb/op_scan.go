package ddb

import "math"

// maxSegments is how many parts a parallel Scan may have.
const maxSegments = 1_000_000

func (c *call) scan() (reply, error) {
	var r read
	segment, total := -1, 0
	err := decode(c.body, append(r.members(),
		may("Segment", integer(&segment, 0, math.MaxInt32)),
		may("TotalSegments", integer(&total, 1, maxSegments)))...)
	if err != nil {
		return nil, err
	}
	if err := checkSegments(segment, total); err != nil {
		return nil, err
	}
	if err := r.compile("Scanning"); err != nil {
		return nil, err
	}
	if err := c.admit(r.table); err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if err := r.open(&c.store); err != nil {
		return nil, err
	}
	start, err := r.startKey()
	if err != nil {
		return nil, err
	}
	var b bounds
	if total > 0 {
		b = bounds{segmentStart(segment, total), segmentStart(segment+1, total)}
	}
	if total > 0 && start != "" && segmentOf(start, total) != segment {
		return nil, errStart(": Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment.")
	}
	return r.answer(c, r.read(b, start)), nil
}

func checkSegments(segment, total int) error {
	switch {
	case segment >= 0 && total == 0:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case segment < 0 && total > 0:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case total > 0 && segment >= total:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d",
			segment, total)
	}
	return nil
}
