package fleet

import (
	"net"
	"net/rpc"
	"sync"
)

// A Source is what stands behind the caches: a register for each key. Workers reach
// it over a socket, by the methods that package net/rpc exports.
type Source struct {
	keys []register
}

type register struct {
	mu     sync.Mutex // guards all below
	states []state
	reads  int
}

// A Row is what a register holds.
type Row struct {
	Version int
	Exists  bool
}

// newSource returns a source whose registers are at version 0.
func newSource(exists []bool) *Source {
	s := &Source{keys: make([]register, len(exists))}
	for i, e := range exists {
		s.keys[i].states = []state{{exists: e}}
	}
	return s
}

// Read is a query.
func (s *Source) Read(key int, row *Row) error {
	r := &s.keys[key]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	*row = r.row()
	return nil
}

// A Change is a commit.
type Change struct {
	Key     int
	Exists  bool
	Process int
}

// Write gives a key its next version.
func (s *Source) Write(c Change, row *Row) error {
	s.writeAnd(c, func(r Row) { *row = r })
	return nil
}

// writeAnd is Write, and keeps the register as it is while f runs.
func (s *Source) writeAnd(c Change, f func(Row)) {
	begin := now()
	r := &s.keys[c.Key]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, state{exists: c.Exists, process: c.Process})
	r.states[len(r.states)-1].changed = span{begin, now()}
	f(r.row())
}

func (r *register) row() Row {
	v := len(r.states) - 1
	return Row{v, r.states[v].exists}
}

// wasRead reports whether each of the first registers was read so often.
func (s *Source) wasRead(first, times int) bool {
	for i := range first {
		r := &s.keys[i]
		r.mu.Lock()
		reads := r.reads
		r.mu.Unlock()
		if reads < times {
			return false
		}
	}
	return true
}

// states returns all that the registers ever held.
func (s *Source) states() [][]state {
	all := make([][]state, len(s.keys))
	for i := range s.keys {
		all[i] = s.keys[i].states
	}
	return all
}

// serve answers workers until the listener is closed.
func (s *Source) serve(l net.Listener) error {
	server := rpc.NewServer()
	if err := server.Register(s); err != nil {
		return err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go server.ServeConn(conn)
		}
	}()
	return nil
}
