package model

// lose collects what Redis loses by itself.
func (t *turn) lose() {
	var world actor
	s := t.now
	for i, c := range s.control {
		if c.kind != lease || c.endless {
			continue
		}
		held := s.leaseIsHeld(c)
		if !t.EndlessLease && (t.NoRenewal || !held) {
			t.take(world, "the lease ends", 0).control[i] = control{}
		}
		if s.left.Jumps > 0 && !held {
			n := t.take(world, "the server's clock goes back", 0)
			n.left.Jumps--
			n.control[i].endless = true
		}
	}
	if s.left.Losses == 0 {
		return
	}
	keys := 0
	for i, v := range s.values {
		if v.life != 0 {
			keys++
			n := t.take(world, "the value expires or is evicted", 0)
			n.left.Losses--
			n.values[i] = value{}
		}
	}
	for i, c := range s.control {
		if c.kind != free {
			keys++
			n := t.take(world, "the control key expires or is evicted", 0)
			n.left.Losses--
			n.control[i] = control{}
		}
	}
	if keys > 1 {
		n := t.take(world, "Redis loses all its keys", 0)
		n.left.Losses--
		n.values, n.control = [versions]value{}, [versions]control{}
	}
}

// leaseIsHeld reports whether a living process renews a lease, or soon will.
func (s *state) leaseIsHeld(c control) bool {
	for i := range s.processes {
		if f := &s.processes[i].flight; f.phase != grounded && f.token == c.token {
			return true
		}
	}
	return false
}

// arrive collects what becomes of commands that no actor waits for.
func (t *turn) arrive() {
	for i, c := range t.now.sea {
		if c.op == nothing {
			continue
		}
		t.take(actor{}, "a command that nobody waits for is lost", 0).sea[i] = command{}
		n := t.take(actor{}, "", 0)
		n.sea[i] = command{}
		does, version := describe(c, t.execute(n, c))
		says := &t.moves[len(t.moves)-1].step
		says.does, says.version = "nobody waits for it any more: "+does, version
	}
}

// abandon adds a move after which no actor waits for a command that was sent; it may
// still arrive. It returns nil if there are too many of them already.
func (t *turn) abandon(who actor, does string, c command) *state {
	n := t.take(who, does, 0)
	if c.op == nothing {
		return n
	}
	for i := range n.sea {
		if n.sea[i].op == nothing {
			n.sea[i] = c
			return n
		}
	}
	t.moves = t.moves[:len(t.moves)-1]
	return nil
}

// failProcess collects what can go wrong with a process and with its connection.
func (t *turn) failProcess(p int) {
	who := t.processActor(p)
	f := &t.now.processes[p].flight
	left := t.now.left
	if left.Kills > 0 && t.now.processes[p].busy() {
		if n := t.abandon(who, "dies", t.unexecuted(p)); n != nil {
			n.left.Kills--
			n.processes[p] = process{dead: true}
		}
	}
	switch {
	case f.phase == loading:
		t.failLoad(p)
	case f.phase != grounded:
		t.repeat(p)
		if left.Timeouts > 0 {
			t.timeOut(p)
		}
	}
}

func (p *process) busy() bool {
	if p.flight.phase != grounded {
		return true
	}
	for _, c := range p.callers {
		if c.phase != idle {
			return true
		}
	}
	return false
}

// unexecuted is the command of a flight that has still to take effect, if any.
func (t *turn) unexecuted(p int) command {
	if t.now.processes[p].flight.status != 0 {
		return command{}
	}
	return t.command(p)
}

// failLoad collects how a load ends without a result.
func (t *turn) failLoad(p int) {
	who := t.processActor(p)
	f := t.now.processes[p].flight
	if f.version == 0 && t.now.left.Failures > 0 {
		n := t.take(who, "its load fails", 0)
		n.left.Failures--
		n.processes[p].flight.phase = releasing
		if f.uncached {
			n.abort(p)
		}
	}
	if f.uncached {
		return
	}
	if t.now.left.Departures > 0 && !f.background {
		back := command{op: release, form: t.processVersion(p), token: f.token, mark: f.mark}
		if n := t.abandon(who, "nobody waits for its load any more, it sends a release", back); n != nil {
			n.left.Departures--
			n.abort(p)
		}
	}
	if t.RenewRecreates {
		*t.controlOf(t.take(who, "its renewal is executed", 0), t.processVersion(p)) = control{kind: lease, token: f.token}
	}
}

// repeat collects the ways in which a command is sent twice: its answer is lost, or
// its first copy is late.
func (t *turn) repeat(p int) {
	who := t.processActor(p)
	c := t.command(p)
	switch executed := t.now.processes[p].flight.status != 0; {
	case c.op == nothing:
	case executed && t.now.left.Lost > 0:
		n := t.take(who, "the answer is lost, it sends its command again", 0)
		n.left.Lost--
		t.again(n, p)
	case !executed && t.now.left.Late > 0:
		if n := t.abandon(who, "its command is late, it sends it again", c); n != nil {
			n.left.Late--
			t.again(n, p)
		}
	}
}

func (t *turn) again(n *state, p int) {
	f := &n.processes[p].flight
	f.status = 0
	if f.phase != acquiring {
		return
	}
	f.saw, f.mark, f.version = 0, 0, 0
	if t.Retry == FreshToken {
		f.previous, f.token = f.token, n.freshToken()
	}
}

// timeOut lets a process go on without the answer to what it has sent.
func (t *turn) timeOut(p int) {
	f := t.now.processes[p].flight
	n := t.abandon(t.processActor(p), "gives up its command", t.unexecuted(p))
	if n == nil {
		return
	}
	n.left.Timeouts--
	switch {
	case f.phase == committing:
		// That it releases its lease is left out: the lease ends by itself.
		t.resolve(n, p, t.SharesRefused)
	case f.background:
		t.giveUp(n, p)
	case t.refreshes(p), f.phase == releasing:
		n.abort(p)
	default:
		t.load(n, p, true)
	}
}

// failWriter collects what can go wrong with a writer before its command is executed.
// Only a Delete is abandoned: nothing can keep the late command of another writer from
// replacing what has been written since.
func (t *turn) failWriter(i int, who actor) {
	if t.Writes[i] != Delete {
		return
	}
	c, _ := t.deletion(i)
	if t.now.left.Lost > 0 {
		n := t.take(who, "its Delete is executed, the answer is lost, it sends it again", 0)
		n.left.Lost--
		t.execute(n, c)
		n.writers[i].phase = sent
	}
	if t.now.left.Late > 0 {
		if n := t.abandon(who, "its Delete is late, it sends it again", c); n != nil {
			n.left.Late--
			n.writers[i].phase = sent
		}
	}
	if t.now.left.Kills > 0 {
		if n := t.abandon(who, "dies", c); n != nil {
			n.left.Kills--
			n.writers[i] = writer{phase: written}
		}
	}
}
