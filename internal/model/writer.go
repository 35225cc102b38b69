package model

// write collects what a writer can do: change the source and send its command, or have
// the command executed. What is executed counts as acknowledged: to hold from that
// moment on is more than to hold from a later one.
func (t *turn) write(i int) {
	who, kind, w := t.writerActor(i), t.Writes[i], t.now.writers[i]
	switch {
	case w.phase == unwritten && t.mayWrite(kind):
		n := t.take(who, "changes the source to #, sends its "+kind.String(), t.now.source+1)
		n.source++
		n.writers[i] = writer{sent, n.source}
	case w.underWay():
		t.executeWrite(i, who)
		t.failWriter(i, who)
	}
}

func (w writer) underWay() bool { return w.phase == sent || w.phase == halfDone }

// mayWrite keeps writers apart whose order would decide what stands in the end.
func (t *turn) mayWrite(kind Write) bool {
	for j, w := range t.now.writers[:len(t.Writes)] {
		if w.underWay() && (kind.orderly() || t.Writes[j].orderly()) {
			return false
		}
	}
	return true
}

func (t *turn) executeWrite(i int, who actor) {
	kind, form, w := t.Writes[i], t.writerVersion(i), t.now.writers[i]
	n := t.take(who, "its "+kind.String()+" is executed, # is acknowledged", w.version)
	says := &t.moves[len(t.moves)-1].does
	counts := true
	switch kind {
	case Delete:
		c, last := t.deletion(i)
		t.execute(n, c)
		if !last {
			*says = "the first half of its Delete is executed"
			n.writers[i].phase = halfDone
			return
		}
	case Set:
		t.replace(n, form, w.version)
	case SetIfAbsent:
		if counts = n.values[form].life == 0; counts {
			t.replace(n, form, w.version)
		}
	case ForeignSet, ForeignSetTo:
		t.put(n, form, w.version)
		if life := t.now.values[form].life; kind == ForeignSetTo && life != 0 {
			n.values[form].life = life
		}
	case Pop, Push:
		t.change(n, kind, form, w.version)
	case ForeignDel, ForeignDelAny:
		counts = kind == ForeignDelAny || n.values[form].life != 0
		n.values[form] = value{}
	}
	n.writers[i] = writer{phase: written}
	if !counts {
		*says = "its " + kind.String() + " is executed and changes nothing"
		return
	}
	n.acked = max(n.acked, w.version)
}

// replace is a write of a whole value.
func (t *turn) replace(n *state, form, version uint8) {
	*t.controlOf(n, form) = control{}
	t.unlinkOther(n, form)
	t.put(n, form, version)
}

// change is a write of elements. One that finds no value ends the permission of a load that
// is under way, and what is noted of the key stays: it is as good as the write is.
func (t *turn) change(n *state, kind Write, form, version uint8) {
	held, life := t.controlOf(n, form), n.values[form].life
	t.unlinkOther(n, form)
	switch {
	case life != 0 || kind == Push:
		*held = control{}
		t.put(n, form, version)
		if life != 0 && n.values[form].life != 0 {
			n.values[form].life = life
		}
	case held.kind == mark, held.carries() && t.MissesMarkedLease:
		held.version = version
	case held.carries():
		*held = control{kind: mark, version: version}
	default:
		*held = control{}
	}
}

// deletion is the command of a writer's Delete that is to be executed next.
func (t *turn) deletion(i int) (c command, last bool) {
	phase := t.now.writers[i].phase
	c.form = t.writerVersion(i)
	switch {
	case t.Delete == AtOnce:
		c.op = unlink
		return c, true
	case (t.Delete == ControlFirst) == (phase == sent):
		c.op = unlinkControl
	default:
		c.op = unlinkValue
	}
	return c, phase == halfDone
}
