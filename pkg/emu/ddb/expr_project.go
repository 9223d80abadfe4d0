package ddb

import (
	"maps"
	"slices"
)

// projection is what a set of paths selects, as a tree. A nil projection selects everything; one without branches all below it.
type projection struct {
	members  map[string]*projection
	elements map[int]*projection
}

func (p *parser) projection() *projection {
	var paths []path
	for {
		q := p.documentPath()
		p.distinctPath(paths, q)
		paths = append(paths, q)
		if !p.symbol(",") {
			break
		}
	}
	p.paths = paths
	return newProjection(paths)
}

func newProjection(paths []path) *projection {
	root := &projection{}
	for _, p := range paths {
		at := root
		for _, s := range p {
			at = at.branch(s)
		}
	}
	return root
}

// branch returns the branch for a step, grown if need be.
func (p *projection) branch(s step) *projection {
	if s.index < 0 {
		if p.members == nil {
			p.members = map[string]*projection{}
		}
		if p.members[s.name] == nil {
			p.members[s.name] = &projection{}
		}
		return p.members[s.name]
	}
	if p.elements == nil {
		p.elements = map[int]*projection{}
	}
	if p.elements[s.index] == nil {
		p.elements[s.index] = &projection{}
	}
	return p.elements[s.index]
}

// item returns what is selected of an item, empty if nothing is.
func (p *projection) item(it item) item {
	if p == nil {
		return it
	}
	if cut, ok := p.of(it).(doc); ok {
		return cut
	}
	return item{}
}

// of returns what is selected of v, nil if nothing is there to select. Elements selected from a list close ranks.
func (p *projection) of(v value) value {
	if p.members == nil && p.elements == nil {
		return v
	}
	switch v := v.(type) {
	case doc:
		out := doc{}
		for name, branch := range p.members {
			if m := v[name]; m != nil {
				if cut := branch.of(m); cut != nil {
					out[name] = cut
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	case list:
		var out list
		for _, i := range slices.Sorted(maps.Keys(p.elements)) {
			if i < len(v) {
				if cut := p.elements[i].of(v[i]); cut != nil {
					out = append(out, cut)
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}
