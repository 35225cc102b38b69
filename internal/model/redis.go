package model

// A command is what Redis is sent about the key. Reads are left out: they change
// nothing, and so no actor but their callers needs to know them.
type command struct {
	op       op
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
	switch c.op {
	case acquire:
		return w.acquire(s, c)
	case commit:
		return answer{status: w.commit(s, c)}
	case release:
		if w.BlindRelease || s.control.names(c.token) {
			s.control = control{}
			if c.mark != 0 {
				s.control = control{kind: mark, version: c.mark}
			}
		}
	case unlink:
		if !w.KeepsStale {
			s.value = value{}
		}
		w.unlinkControl(s)
	case unlinkControl:
		w.unlinkControl(s)
	case unlinkValue:
		s.value = value{}
	}
	return answer{status: done}
}

// names reports whether there is the lease of a token.
func (c control) names(token uint8) bool { return c.kind == lease && c.token == token }

// carries reports whether there is a mark, alone or carried by a lease.
func (c control) carries() bool { return c.kind == mark || c.kind == lease && c.version != 0 }

func (w *world) unlinkControl(s *state) {
	if w.VersionFence {
		s.control = control{kind: count, version: s.control.version + 1}
		return
	}
	s.control = control{}
}

func (w *world) acquire(s *state, c command) answer {
	there := s.value.life != 0
	if there && !c.beside {
		return answer{status: present}
	}
	if w.VersionFence {
		return answer{status: granted, token: s.control.version}
	}
	replaced := uint8(0)
	held := s.control
	own := held.kind == lease && (held.token == c.token || c.previous != 0 && held.token == c.previous)
	switch {
	case own:
		replaced = held.version
	case held.carries() && !there && !c.beside:
		return answer{status: found, version: held.version}
	case held.kind == lease && !w.OverwritesLease:
		s.control.endless = held.endless && w.WaitsOutLease
		return answer{status: busy}
	case held.kind == mark:
		replaced = held.version
	}
	s.control = control{kind: lease, token: c.token, version: replaced}
	return answer{status: granted, token: c.token, saw: s.value.life, mark: replaced}
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
		s.control = control{}
	}
	w.put(s, c.version)
	return stored
}

func (w *world) permitted(s *state, c command) bool {
	if w.VersionFence {
		return s.control.version == c.token
	}
	if !w.NoTokenCheck && !s.control.names(c.token) {
		return false
	}
	switch {
	case s.value.life == c.saw:
	case s.value.life != 0 && w.OverwritesValue:
	case s.value.life == 0 && w.RevivesValue:
	default:
		if s.control.names(c.token) {
			s.control = control{}
		}
		return false
	}
	return true
}

// put makes the keys hold what the source has at a version.
func (w *world) put(s *state, version uint8) {
	if w.absentAt(version) {
		s.value = value{}
		s.control = control{kind: mark, version: version}
		return
	}
	s.value = value{version: version, life: s.freshLife()}
}

// read is a plain read of the value key.
func (s *state) read() answer {
	if s.value.life != 0 {
		return answer{status: found, version: s.value.version}
	}
	return answer{status: missing}
}

// poll is a read of both keys at once.
func (s *state) poll() answer {
	switch {
	case s.value.life != 0:
		return s.read()
	case s.control.carries():
		return answer{status: found, version: s.control.version}
	case s.control.kind == lease:
		return answer{status: busy}
	}
	return answer{status: missing}
}
