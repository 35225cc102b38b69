package model

// fly collects what the flight of a process can do: the command of its phase is
// executed, its answer is received, or the load goes on. What a flight does by itself
// belongs to the step that lets it: to receive an answer and to send the next command
// is one step, since a caller that joins in between could as well have come before it.
func (t *turn) fly(p int) {
	f := &t.now.processes[p].flight
	switch {
	case f.phase == grounded:
	case f.phase == loading && f.version == 0:
		t.readSource(p)
	case f.phase == loading:
		t.endLoad(p)
	case f.status == 0:
		t.executed(p)
	default:
		t.received(p)
	}
}

// command is what a flight has sent, if it is more than a read.
func (t *turn) command(p int) command {
	f, form := &t.now.processes[p].flight, t.processVersion(p)
	switch f.phase {
	case acquiring:
		return command{op: acquire, form: form, token: f.token, previous: f.previous, beside: t.refreshes(p) || f.background}
	case committing:
		return command{op: commit, form: form, token: f.token, saw: f.saw, version: f.version, began: f.began}
	case releasing:
		return command{op: release, form: form, token: f.token, mark: f.mark}
	case clearing:
		return command{op: unlink, form: form}
	}
	return command{}
}

func (t *turn) executed(p int) {
	who := t.processActor(p)
	c := t.command(p)
	n := t.take(who, "", 0)
	var a answer
	switch t.now.processes[p].flight.phase {
	case looking:
		a = t.world.read(n, t.processVersion(p))
	case polling:
		a = t.poll(n, t.processVersion(p))
	default:
		a = t.execute(n, c)
	}
	says := &t.moves[len(t.moves)-1].step
	says.does, says.version = describe(c, a)
	f := &n.processes[p].flight
	f.status = a.status
	switch a.status {
	case found:
		f.version = a.version
	case granted:
		f.token, f.saw, f.mark = a.token, a.saw, a.mark
	}
}

// describe says in words how a command was executed.
func describe(c command, a answer) (string, uint8) {
	switch {
	case a.status == granted:
		return "its acquire is granted the lease", 0
	case c.op == acquire && a.status == present:
		return "its acquire finds that there is a value", 0
	case c.op == acquire && a.status == busy:
		return "its acquire finds another's lease", 0
	case c.op == acquire && a.status == found:
		return "its acquire finds the mark of #", a.version
	case a.status == stored:
		return "its commit stores #", c.version
	case a.status == refused:
		return "its commit is refused", 0
	case c.op == release:
		return "its release is executed", 0
	case c.op == unlink:
		return "its UNLINK of both keys is executed", 0
	case c.op == unlinkControl, c.op == unlinkValue:
		return "its UNLINK of one key is executed", 0
	case a.status == found:
		return "its read finds #", a.version
	case a.status == busy:
		return "its poll finds another's lease", 0
	}
	return "its read finds nothing", 0
}

func (t *turn) received(p int) {
	who := t.processActor(p)
	f := &t.now.processes[p].flight
	switch f.status {
	case granted:
		if f.background && f.saw == 0 && f.mark == 0 {
			n := t.take(who, "has the lease beside nothing, sends a release", 0)
			n.seal(p)
			g := &n.processes[p].flight
			g.phase, g.status, g.previous = releasing, 0, 0
			return
		}
		if t.ReusesLoad && f.version != 0 {
			t.sendCommit(t.take(who, "has the lease, sends a commit of # again", f.version), p)
			return
		}
		t.load(t.take(who, "has the lease, begins to load", 0), p, false)
	case present:
		t.send(t.take(who, "hears of a value, sends a read", 0), p, looking)
	case busy:
		if f.background {
			t.giveUp(t.take(who, "hears of another's lease, and ends", 0), p)
			return
		}
		if t.refreshes(p) {
			t.ask(t.take(who, "hears of another's lease, sends acquire", 0), p)
			return
		}
		t.send(t.take(who, "hears of another's lease, sends a poll", 0), p, polling)
		if f.phase == polling && t.Jumps > 0 && !t.OnlyPolls {
			t.ask(t.take(who, "hears of a lease that should have ended, sends acquire", 0), p)
		}
	case missing:
		t.ask(t.take(who, "hears of nothing, sends acquire", 0), p)
	case found, stored:
		t.resolve(t.take(who, "hears that # is valid, and ends", f.version), p, true)
		if t.Stale && f.status == found && !t.refreshes(p) {
			n := t.take(who, "hears that # is valid and stale, ends, and begins a refresh", f.version)
			t.resolve(n, p, true)
			t.refresh(n, p, f.version)
		}
	case refused:
		t.refusedCommit(p)
	case done:
		if f.phase == clearing {
			t.resolve(t.take(who, "hears that both keys are gone, and ends", 0), p, false)
			return
		}
		if f.background {
			t.giveUp(t.take(who, "has given its lease back, and ends", f.version), p)
			return
		}
		t.take(who, "has given its lease back, and ends with an error", 0).abort(p)
	}
}

// refresh begins a flight that no caller waits for, for a call that has found a version.
func (t *turn) refresh(n *state, p int, version uint8) {
	t.ask(n, p)
	f := &n.processes[p].flight
	f.background = true
	if t.SharesStale {
		f.version = version
	}
}

// giveUp ends a flight that no caller had to wait for, without a result: those that have joined it
// look again.
func (t *turn) giveUp(n *state, p int) {
	version := n.processes[p].flight.version
	n.processes[p].flight = flight{}
	for i := range n.processes[p].callers {
		switch c := &n.processes[p].callers[i]; {
		case c.phase != following:
		case t.SharesStale:
			n.returns(p, i, version)
		default:
			c.turnAway()
		}
	}
}

// refusedCommit ends a flight, aside from a refresh, which starts over.
func (t *turn) refusedCommit(p int) {
	who := t.processActor(p)
	f := &t.now.processes[p].flight
	switch {
	case !t.refreshes(p): // nor does one in the background
		t.resolve(t.take(who, "hears of the refusal, and ends", 0), p, t.SharesRefused)
	case f.loads+1 == maxLoads:
		t.send(t.take(who, "hears of the refusal, sends UNLINK of both keys", 0), p, clearing)
	default:
		n := t.take(who, "hears of the refusal, sends acquire", 0)
		loaded := *f
		t.ask(n, p)
		again := &n.processes[p].flight
		again.loads = loaded.loads + 1
		if t.ReusesLoad {
			again.version, again.began = loaded.version, loaded.began
		}
	}
}

// readSource is the moment of a load at which it sees the source.
func (t *turn) readSource(p int) {
	n := t.take(t.processActor(p), "its load reads #", t.now.source)
	n.processes[p].flight.version = n.source
}

func (t *turn) endLoad(p int) {
	who := t.processActor(p)
	f := &t.now.processes[p].flight
	if f.uncached {
		n := t.take(who, "its load ends, and so does the flight", 0)
		t.markEarly(n, p)
		n.seal(p)
		t.resolve(n, p, t.SharesUncached)
		return
	}
	n := t.take(who, "its load ends, it sends a commit of #", f.version)
	t.markEarly(n, p)
	t.sendCommit(n, p)
}

func (t *turn) markEarly(n *state, p int) {
	if t.EarlyUntilLoadEnds {
		n.processes[p].begin()
	}
}

// ask sends acquire for a lease of its own.
func (t *turn) ask(n *state, p int) {
	token := uint8(1)
	if !t.TokenPerClient {
		token = n.freshToken()
	}
	n.seal(p)
	n.processes[p].flight = flight{phase: acquiring, token: token, loads: n.processes[p].flight.loads}
}

// send sends a command that does not depend on the lease of the flight.
func (t *turn) send(n *state, p int, phase flightPhase) {
	n.seal(p)
	f := &n.processes[p].flight
	*f = flight{phase: phase, version: f.version}
}

func (t *turn) sendCommit(n *state, p int) {
	n.seal(p)
	f := &n.processes[p].flight
	f.phase, f.status, f.mark, f.previous = committing, 0, 0, 0
}

// load begins a load.
func (t *turn) load(n *state, p int, uncached bool) {
	f := &n.processes[p].flight
	*f = flight{
		phase: loading, token: f.token, saw: f.saw, mark: f.mark, loads: f.loads,
		began: t.revoked(n), uncached: uncached, background: f.background,
	}
	if uncached {
		*f = flight{phase: loading, uncached: true}
	}
	n.seal(p)
	if !t.EarlyUntilLoadEnds {
		n.processes[p].begin()
	}
	t.begins(n)
}

// seal entitles the callers that have joined to what the next command validates.
func (s *state) seal(p int) {
	for i := range s.processes[p].callers {
		if c := &s.processes[p].callers[i]; c.phase == following && c.entitled == late {
			c.entitled = sealed
		}
	}
}

// begin entitles the callers that have joined to what is loaded.
func (p *process) begin() {
	for i := range p.callers {
		if c := &p.callers[i]; c.phase == following {
			c.entitled = early
		}
	}
}

// resolve ends a flight: its leader has the result, a follower has it or starts over.
// They receive it in the same step, since what it is checked against is fixed.
func (t *turn) resolve(n *state, p int, validated bool) {
	version := n.processes[p].flight.version
	n.processes[p].flight = flight{}
	for i := range n.processes[p].callers {
		c := &n.processes[p].callers[i]
		shared := c.entitled == early || validated && (c.entitled == sealed || t.NoSeal)
		switch {
		case c.phase == leading, c.phase == following && shared:
			n.returns(p, i, version)
		case c.phase == following:
			c.turnAway()
		}
	}
}

// abort ends a flight, and the calls that wait for it, without a result.
func (s *state) abort(p int) {
	s.processes[p].flight = flight{}
	for i := range s.processes[p].callers {
		if c := &s.processes[p].callers[i]; c.phase == leading || c.phase == following {
			c.end()
		}
	}
}
