package model

// call collects what a caller can do by itself: begin a call, read, join a flight or
// lead one, or load alone.
func (t *turn) call(p, i int) {
	c := &t.now.processes[p].callers[i]
	who := t.callerActor(p, i)
	switch c.phase {
	case idle:
		if c.calls > 0 {
			t.begin(p, i, who)
		}
	case reading:
		t.read(p, i, who)
	case missed:
		t.join(p, i, who)
	case alone:
		n := t.take(who, "loads for itself, and returns #", t.now.source)
		t.begins(n)
		n.returns(p, i, n.source)
	}
}

func (t *turn) begin(p, i int, who actor) {
	began := func(does string) *state {
		n := t.take(who, does, 0)
		c := &n.processes[p].callers[i]
		c.calls--
		c.floor = n.acked
		return n
	}
	if t.refreshes(p) {
		n := began("calls Refresh, sends acquire")
		n.processes[p].callers[i].phase = leading
		t.ask(n, p)
		return
	}
	began("calls GetOrSet, sends a read").processes[p].callers[i].phase = reading
	if t.Foreseen {
		began("calls GetOrSet, foresees a miss").processes[p].callers[i].phase = missed
	}
}

// read executes the plain read, or the inspection of a caller that was turned away. That a
// hit is returned in the same step loses nothing: what it is checked against was fixed when
// the call began, and no other actor sees it. A miss is received when its caller continues.
func (t *turn) read(p, i int, who actor) {
	form := t.processVersion(p)
	a := t.world.read(t.now, form)
	if t.now.processes[p].callers[i].turns > 0 && !t.LooksForValueOnly {
		a = t.poll(t.now, form)
	}
	if a.status == found {
		t.take(who, "its read finds #, which it returns", a.version).returns(p, i, a.version)
		if t.Stale && t.now.processes[p].flight.phase == grounded {
			n := t.take(who, "its read finds # stale, which it returns; it begins a refresh", a.version)
			n.returns(p, i, a.version)
			t.refresh(n, p, a.version)
		}
	} else {
		t.take(who, "its read finds nothing", 0).processes[p].callers[i].phase = missed
	}
	if t.now.left.Timeouts > 0 {
		n := t.take(who, "gives up its read", 0)
		n.left.Timeouts--
		c := &n.processes[p].callers[i]
		c.phase, c.blind = missed, true
	}
}

func (t *turn) join(p, i int, who actor) {
	f := &t.now.processes[p].flight
	blind := t.now.processes[p].callers[i].blind
	switch {
	case f.phase != grounded:
		t.take(who, "joins the flight", 0).processes[p].callers[i].phase = following
	case blind:
		n := t.take(who, "leads a flight, which loads without a lease", 0)
		n.processes[p].callers[i].phase = leading
		t.load(n, p, true)
	default:
		n := t.take(who, "leads a flight, sends acquire", 0)
		n.processes[p].callers[i].phase = leading
		t.ask(n, p)
	}
}

// returns ends a call with a version, and checks it.
func (s *state) returns(p, i int, version uint8) {
	c := &s.processes[p].callers[i]
	if version < c.floor {
		s.fail(StaleReturn)
	}
	c.end()
}

// end makes a caller ready for its next call.
func (c *caller) end() { *c = caller{calls: c.calls} }

// turnAway lets a follower start over, or load for itself.
func (c *caller) turnAway() {
	c.turns++
	c.entitled = late
	switch {
	case c.turns == maxTurns:
		c.phase = alone
	case c.blind:
		c.phase = missed
	default:
		c.phase = reading
	}
}
