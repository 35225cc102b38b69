package model

// A command is what Redis is sent about the key. Reads are left out: they change
// nothing, and so no actor but their callers needs to know them.
type command struct {
	op       op
	form     uint8 // the version of the stored form
	token    uint8
	previous uint8
	beside   bool  // an acquire that also wants the lease beside a value
	saw      uint8 // as in flight
	mark     uint8 // as in flight
	version  uint8
	began    uint8 // as in flight
}

type op uint8

const (
	nothing op = iota
	acquire
	commit
	release
	unlink
	unlinkControl
	unlinkValue
)

// A status is the kind of an answer; 0 stands for none yet.
type status uint8

const (
	granted status = iota + 1
	present
	busy
	found
	missing
	stored
	refused
	done
)

// An answer is what Redis has said.
type answer struct {
	status  status
	version uint8 // found
	token   uint8 // granted
	saw     uint8 // the value's life then
	mark    uint8 // that the lease has replaced
}

// execute is the moment at which a command takes effect.
func (w *world) execute(s *state, c command) answer {
	held := w.controlOf(s, c.form)
	switch c.op {
	case acquire:
		return w.acquire(s, c)
	case commit:
		return answer{status: w.commit(s, c)}
	case release:
		if w.BlindRelease || held.names(c.token) {
			*held = control{}
			if c.mark != 0 {
				*held = control{kind: mark, version: c.mark}
			}
		}
	case unlink:
		if !w.KeepsStale {
			w.unlinkValues(s, c.form)
		}
		w.unlinkControl(held)
	case unlinkControl:
		w.unlinkControl(held)
	case unlinkValue:
		w.unlinkValues(s, c.form)
	}
	return answer{status: done}
}

// names reports whether there is the lease of a token.
func (c control) names(token uint8) bool { return c.kind == lease && c.token == token }

// carries reports whether there is a mark, alone or carried by a lease.
func (c control) carries() bool { return c.kind == mark || c.kind == lease && c.version != 0 }

func (w *world) unlinkControl(held *control) {
	if w.VersionFence {
		*held = control{kind: count, version: held.version + 1}
		return
	}
	*held = control{}
}

// unlinkValues removes the values of a version and of its neighbour.
func (w *world) unlinkValues(s *state, form uint8) {
	s.values[form] = value{}
	w.unlinkOther(s, form)
}

func (w *world) unlinkOther(s *state, form uint8) {
	if !w.LeavesOthers {
		s.values[1-form] = value{}
	}
}

func (w *world) acquire(s *state, c command) answer {
	life, held := s.values[c.form].life, w.controlOf(s, c.form)
	there := life != 0
	if there && !c.beside {
		return answer{status: present}
	}
	if w.VersionFence {
		return answer{status: granted, token: held.version}
	}
	replaced := uint8(0)
	own := held.kind == lease && (held.token == c.token || c.previous != 0 && held.token == c.previous)
	switch {
	case own:
		replaced = held.version
	case held.carries() && !there && !c.beside:
		return answer{status: found, version: held.version}
	case held.kind == lease && !w.OverwritesLease:
		held.endless = held.endless && w.WaitsOutLease
		return answer{status: busy}
	case held.kind == mark:
		replaced = held.version
	}
	*held = control{kind: lease, token: c.token, version: replaced}
	return answer{status: granted, token: c.token, saw: life, mark: replaced}
}

// commit stores a loaded version if it is permitted, and checks that it should be.
func (w *world) commit(s *state, c command) status {
	if !w.permitted(s, c) {
		return refused
	}
	if c.began < s.acked {
		s.fail(LateFill)
	}
	if !w.VersionFence {
		*w.controlOf(s, c.form) = control{}
	}
	w.put(s, c.form, c.version)
	return stored
}

func (w *world) permitted(s *state, c command) bool {
	held := w.controlOf(s, c.form)
	if w.VersionFence {
		return held.version == c.token
	}
	if !w.NoTokenCheck && !held.names(c.token) {
		return false
	}
	switch life := s.values[c.form].life; {
	case life == c.saw:
	case life != 0 && w.OverwritesValue:
	case life == 0 && w.RevivesValue:
	default:
		if held.names(c.token) {
			*held = control{}
		}
		return false
	}
	return true
}

// put makes the keys hold what the source has at a version.
func (w *world) put(s *state, form, version uint8) {
	if w.absentAt(version) {
		s.values[form] = value{}
		*w.controlOf(s, form) = control{kind: mark, version: version}
		return
	}
	s.values[form] = value{version: version, life: s.freshLife()}
}

// read is a plain read of a value key.
func (w *world) read(s *state, form uint8) answer {
	if v := s.values[form]; v.life != 0 {
		return answer{status: found, version: v.version}
	}
	return answer{status: missing}
}

// poll is a read of both keys at once.
func (w *world) poll(s *state, form uint8) answer {
	switch held := w.controlOf(s, form); {
	case s.values[form].life != 0:
		return w.read(s, form)
	case held.carries():
		return answer{status: found, version: held.version}
	case held.kind == lease:
		return answer{status: busy}
	}
	return answer{status: missing}
}
