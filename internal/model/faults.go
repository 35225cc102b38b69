package model

// lose collects what Redis loses by itself.
func (t *turn) lose() {
	var world actor
	s := t.now
	if s.control.kind == lease && !t.EndlessLease && (t.NoRenewal || !s.leaseIsHeld()) {
		t.take(world, "the lease ends", 0).control = control{}
	}
	if s.left.Losses == 0 {
		return
	}
	if s.value.life != 0 {
		n := t.take(world, "the value expires or is evicted", 0)
		n.left.Losses--
		n.value = value{}
	}
	if s.control.kind != free {
		n := t.take(world, "the control key expires or is evicted", 0)
		n.left.Losses--
		n.control = control{}
	}
	if s.value.life != 0 && s.control.kind != free {
		n := t.take(world, "Redis loses all its keys", 0)
		n.left.Losses--
		n.value, n.control = value{}, control{}
	}
}

// leaseIsHeld reports whether somebody lives who renews the lease, or soon will.
func (s *state) leaseIsHeld() bool {
	for i := range s.processes {
		if f := &s.processes[i].flight; f.phase != grounded && f.token == s.control.token {
			return true
		}
	}
	return false
}

// arrive collects what becomes of commands that nobody waits for.
func (t *turn) arrive() {
	for i, c := range t.now.sea {
		if c.op == nothing {
			continue
		}
		t.take(actor{}, "a command that nobody waits for is lost", 0).sea[i] = command{}
		n := t.take(actor{}, "", 0)
		n.sea[i] = command{}
		does, version := told(c, t.execute(n, c))
		says := &t.moves[len(t.moves)-1].step
		says.does, says.version = "nobody waits for it any more: "+does, version
	}
}

// failProcess collects what can go wrong with a process and with its connection.
func (t *turn) failProcess(p int) {
	who := t.processActor(p)
	f := &t.now.processes[p].flight
	left := t.now.left
	if left.Kills > 0 && t.now.processes[p].busy() {
		t.abandon(p, "dies", func(n *state) {
			n.left.Kills--
			n.processes[p] = process{dead: true}
		})
	}
	if f.phase == loading && f.version == 0 && left.Failures > 0 {
		t.failLoad(p)
	}
	if f.phase == loading && !f.uncached && left.Departures > 0 {
		n := t.take(who, "nobody waits for its load any more, it sends a release", 0)
		if n.throw(command{op: release, token: f.token, mark: f.mark}) {
			n.left.Departures--
			n.abort(p)
		} else {
			t.drop()
		}
	}
	if f.phase == loading && t.RenewRecreates && !f.uncached {
		t.take(who, "its renewal is executed", 0).control = control{kind: lease, token: f.token}
	}
	if t.command(p).op != nothing {
		t.repeat(p)
	}
	if f.phase != grounded && f.phase != loading && left.Timeouts > 0 {
		t.timeOut(p)
	}
}

func (p *process) busy() bool {
	for _, c := range p.callers {
		if c.phase != idle {
			return true
		}
	}
	return false
}

func (t *turn) failLoad(p int) {
	n := t.take(t.processActor(p), "its load fails", 0)
	n.left.Failures--
	f := &n.processes[p].flight
	if f.uncached {
		n.abort(p)
		return
	}
	f.phase = releasing
}

// abandon adds a move after which nobody waits for the command that a process has
// sent; it may still arrive.
func (t *turn) abandon(p int, does string, then func(n *state)) {
	c := t.command(p)
	n := t.take(t.processActor(p), does, 0)
	if c.op != nothing && t.now.processes[p].flight.status == 0 && !n.throw(c) {
		t.drop()
		return
	}
	then(n)
}

// repeat collects the ways in which a command is sent twice: its answer is lost, or
// its first copy is late.
func (t *turn) repeat(p int) {
	again := func(n *state) {
		f := &n.processes[p].flight
		f.status = 0
		if f.phase == acquiring {
			f.saw, f.mark, f.version = 0, 0, 0
			if t.Retry == FreshToken {
				f.previous, f.token = f.token, n.freshToken()
			}
		}
	}
	if t.now.processes[p].flight.status != 0 {
		if t.now.left.Lost > 0 {
			n := t.take(t.processActor(p), "the answer is lost, it sends its command again", 0)
			n.left.Lost--
			again(n)
		}
		return
	}
	if t.now.left.Late > 0 {
		t.abandon(p, "its command is late, it sends it again", func(n *state) {
			n.left.Late--
			again(n)
		})
	}
}

// timeOut lets a process go on without the answer to what it has sent.
func (t *turn) timeOut(p int) {
	f := t.now.processes[p].flight
	t.abandon(p, "gives up its command", func(n *state) {
		n.left.Timeouts--
		switch {
		case f.phase == committing:
			if n.throw(command{op: release, token: f.token}) {
				t.resolve(n, p, t.SharesRefused)
				return
			}
			t.drop()
		case t.refreshes(p), f.phase == releasing:
			n.abort(p)
		default:
			t.load(n, p, true)
		}
	})
}

// failWriter collects what can go wrong with a writer that is no good to anybody
// before its command is executed. Only a Delete is let down: nobody can keep another
// writer's late command from replacing what has been written since.
func (t *turn) failWriter(i int, who actor) {
	if t.Writes[i] != Delete {
		return
	}
	c, _ := t.deletion(t.now.writers[i].phase)
	if t.now.left.Lost > 0 {
		n := t.take(who, "its Delete is executed, the answer is lost, it sends it again", 0)
		n.left.Lost--
		t.execute(n, c)
		n.writers[i].phase = sent
	}
	if t.now.left.Late > 0 {
		if n := t.take(who, "its Delete is late, it sends it again", 0); n.throw(c) {
			n.left.Late--
			n.writers[i].phase = sent
		} else {
			t.drop()
		}
	}
	if t.now.left.Kills > 0 {
		if n := t.take(who, "dies", 0); n.throw(c) {
			n.left.Kills--
			n.writers[i] = writer{phase: written}
		} else {
			t.drop()
		}
	}
}
