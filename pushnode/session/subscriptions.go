package session

import "slices"

// subscriptionSet is the subscriptions of a session. Most have a few: those are looked through; beyond, a map finds them.
type subscriptionSet struct {
	list  []*subscription
	index map[string]int // by channel, in list; nil while there are few
}

// fewSubscriptions is how many are looked through faster than found, and in less memory.
const fewSubscriptions = 16

func (s *subscriptionSet) get(name string) *subscription {
	if at := s.find(name); at >= 0 {
		return s.list[at]
	}
	return nil
}

// find returns where the subscription of a channel is, or -1.
func (s *subscriptionSet) find(name string) int {
	if s.index != nil {
		if at, known := s.index[name]; known {
			return at
		}
		return -1
	}
	return slices.IndexFunc(s.list, func(sub *subscription) bool { return sub.entry.id.Name == name })
}

// set puts the subscription of a channel in the place of the one before; nil: there is none any more.
func (s *subscriptionSet) set(name string, sub *subscription) {
	at := s.find(name)
	switch {
	case at >= 0 && sub != nil:
		s.list[at] = sub
	case at >= 0:
		s.removeAt(at, name)
	case sub != nil:
		s.add(name, sub)
	}
}

func (s *subscriptionSet) add(name string, sub *subscription) {
	s.list = append(s.list, sub)
	switch {
	case s.index != nil:
		s.index[name] = len(s.list) - 1
	case len(s.list) > fewSubscriptions:
		s.index = make(map[string]int, 2*len(s.list))
		for i, one := range s.list {
			s.index[one.entry.id.Name] = i
		}
	}
}

func (s *subscriptionSet) removeAt(at int, name string) {
	last := len(s.list) - 1
	moved := s.list[last]
	s.list[at], s.list[last] = moved, nil
	s.list = s.list[:last]
	if s.index == nil {
		return
	}
	s.index[moved.entry.id.Name] = at
	delete(s.index, name)
	if len(s.list) <= fewSubscriptions/2 {
		s.index = nil
	}
}
