package model

import (
	"fmt"
	"strings"
)

// A BatchProtocol says which rules of calls for many keys are broken. The zero
// BatchProtocol is the one that the cache follows.
type BatchProtocol struct {
	WaitsBeforeCommit bool // a batch loads only once it has the leases of all keys
	LoadsBusy         bool // it loads keys that others have leases for, too
	KeepsPlace        bool // it waits for others without giving up its place
	KeepsLeases       bool // it waits for a place without giving up its leases
}

// A BatchSetup is a world of many keys in which batches overlap. A single call is a
// batch of one key. What is right for each key by itself is the other world's matter;
// here it is looked at that all calls return, and that no key is loaded twice.
type BatchSetup struct {
	Batches []Batch
	Places  uint8 // how many loads a process may run at once; 0: any number

	Deletes uint8 // of a key, in the middle of anything
	Kills   uint8 // of a batch, with its process
}

// A Batch is a call for many keys, by one process. That it shares flights with others
// of its process is left out: no function of a flight waits for another's.
type Batch struct {
	Process int
	Keys    []int
}

const (
	maxBatches   = 4
	maxBatchKeys = 4
)

// ExploreBatches is Explore for calls of many keys.
func ExploreBatches(p BatchProtocol, s BatchSetup) Report {
	w := &batchWorld{BatchProtocol: p, BatchSetup: s}
	if err := s.fits(); err != nil {
		panic(err)
	}
	return newExplorer[batchState](w).explore()
}

// fits reports an error if a state is too small for the setup.
func (s *BatchSetup) fits() error {
	if len(s.Batches) > maxBatches {
		return fmt.Errorf("model: more than %d batches", maxBatches)
	}
	for _, b := range s.Batches {
		if b.Process < 0 || b.Process >= maxProcesses {
			return fmt.Errorf("model: more than %d processes", maxProcesses)
		}
		for _, k := range b.Keys {
			if k < 0 || k >= maxBatchKeys {
				return fmt.Errorf("model: more than %d keys", maxBatchKeys)
			}
		}
	}
	return nil
}

// A batchState is all that the future of the keys depends on.
type batchState struct {
	keys    [maxBatchKeys]batchKey
	batches [maxBatches]batchCall
	taken   [maxProcesses]uint8 // places for loads

	deletes, kills uint8 // that may still happen
	breach         Breach
}

// A batchKey is what Redis holds of a key.
type batchKey struct {
	there  bool  // the value
	holder uint8 // of the lease: a batch, counted from 1; 0: none
	loads  uint8 // begun so far, while nothing excuses a second one
}

// A batchCall is a batch, and the part that each key has in it.
type batchCall struct {
	phase  batchPhase
	placed bool // it has a place for a load
	dead   bool
	keys   [maxBatchKeys]part
}

type batchPhase uint8

const (
	asking    batchPhase = iota // its commands are on their way: acquire, for each key
	queueing                    // for a place
	running                     // its load
	storing                     // its commits are on their way
	waiting                     // for what others load
	returning                   // it has ended
)

// A part is what a batch knows of one of its keys.
type part uint8

const (
	noPart  part = iota // the key is none of its own, or it has an answer
	unasked             // its acquire is on its way
	mine                // it has the lease, or loads without
	theirs              // another batch has it
)

func (w *batchWorld) initial() *batchState {
	s := &batchState{deletes: w.Deletes, kills: w.Kills}
	for i := range s.batches {
		s.batches[i].phase = returning
	}
	for i, b := range w.Batches {
		s.batches[i].phase = asking
		for _, k := range b.Keys {
			s.batches[i].keys[k] = unasked
		}
	}
	return s
}

func (*batchWorld) canonical(*batchState) {}

func (*batchWorld) check(s *batchState) Breach { return s.breach }

func (*batchWorld) running(s *batchState) bool {
	for _, b := range s.batches {
		if b.phase != returning && !b.dead {
			return true
		}
	}
	return false
}

// has reports whether some key has this part.
func (b *batchCall) has(p part) bool {
	for _, k := range b.keys {
		if k == p {
			return true
		}
	}
	return false
}

// turn changes the part of all keys that have the part from.
func (b *batchCall) turn(from, to part) {
	for k := range b.keys {
		if b.keys[k] == from {
			b.keys[k] = to
		}
	}
}

// String says what Redis holds of each key.
func (s *batchState) String() string {
	var all []string
	for k, key := range s.keys {
		holds := "-"
		switch {
		case key.there:
			holds = "value"
		case key.holder != 0:
			holds = fmt.Sprintf("lease of %d", key.holder)
		}
		all = append(all, fmt.Sprintf("key %d %s", k, holds))
	}
	return strings.Join(all, ", ")
}
