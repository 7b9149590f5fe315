package hub

import (
	"maps"
	"slices"
)

// nameSet is the members of a subscription by their names. Most have one or a few, for
// which a slice is enough: a map takes 300 bytes. The zero nameSet is empty. It is
// guarded by the Hub's mu.
type nameSet struct {
	few  []*member
	many map[Name]*member // in place of few, where they are more
}

// fewNames is how many members are kept without a map.
const fewNames = 8

// len returns the number of members.
func (s *nameSet) len() int { return len(s.few) + len(s.many) }

// get returns the member of a name, nil where there is none.
func (s *nameSet) get(name Name) *member {
	for _, m := range s.few {
		if m.entry.name == name {
			return m
		}
	}
	return s.many[name]
}

// add adds a member, whose name is not there yet.
func (s *nameSet) add(m *member) {
	switch {
	case s.many != nil:
		s.many[m.entry.name] = m
	case len(s.few) < fewNames:
		s.few = append(s.few, m)
	default:
		s.many = make(map[Name]*member, 2*fewNames)
		for _, one := range append(s.few, m) {
			s.many[one.entry.name] = one
		}
		s.few = nil
	}
}

// remove removes the member of a name.
func (s *nameSet) remove(name Name) {
	s.few = slices.DeleteFunc(s.few, func(m *member) bool { return m.entry.name == name })
	delete(s.many, name)
}

// all returns all members, in no order, in a slice of the caller's own.
func (s *nameSet) all() []*member {
	return append(slices.Clone(s.few), slices.Collect(maps.Values(s.many))...)
}
