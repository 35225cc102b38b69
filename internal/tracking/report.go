package tracking

// A told is what a handler knows of the state of its subscription.
type told struct {
	connected bool
	cause     error
}

func (t told) equals(other told) bool {
	if t.cause == nil || other.cause == nil {
		return t == other
	}
	return t.connected == other.connected && t.cause.Error() == other.cause.Error()
}

// stateOf returns the state of a subscription.
func (of *shared) stateOf(s *Subscription) (connected bool, cause error) {
	of.mu.Lock()
	defer of.mu.Unlock()
	if len(of.nodes) == 0 {
		return false, of.err
	}
	for _, n := range of.nodes {
		if err := n.without(s); err != nil {
			return false, err
		}
	}
	return true, nil
}

// without returns why the node is not listened to for a subscription, nil if it is.
func (n *node) without(s *Subscription) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.state.Load()
	switch {
	case now != nil && now.changes >= s.number:
		return nil
	case n.err != nil:
		return n.err
	}
	return errUnconnected
}

// tell tells the handlers how the states have changed.
func (of *shared) tell() {
	of.telling.Lock()
	defer of.telling.Unlock()
	of.mu.Lock()
	subs := of.subs
	of.mu.Unlock()
	for _, s := range subs {
		h, ok := s.handler.(StateHandler)
		if !ok {
			continue
		}
		var now told
		now.connected, now.cause = of.stateOf(s)
		if !now.equals(s.told) {
			s.told = now
			h.StateChanged(now.connected, now.cause)
		}
	}
}
