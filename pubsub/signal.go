package pubsub

// signal is a channel that is made when somebody wants to wait for it. The zero signal
// has not been given. It is guarded by its Subscription's mu.
type signal struct {
	channel chan struct{} // nil until asked for
	given   bool
}

// wait returns the channel, which is closed when the signal is given.
func (s *signal) wait() <-chan struct{} {
	if s.channel == nil {
		s.channel = make(chan struct{})
		if s.given {
			close(s.channel)
		}
	}
	return s.channel
}

// give gives the signal. Giving it again does nothing.
func (s *signal) give() {
	if s.given {
		return
	}
	s.given = true
	if s.channel != nil {
		close(s.channel)
	}
}
