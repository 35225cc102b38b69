package model

import "fmt"

// A batchWorld is a setup in which all batches follow a protocol.
type batchWorld struct {
	BatchProtocol
	BatchSetup
	now   *batchState
	moves []move[batchState]
}

func (w *batchWorld) next(now *batchState) []move[batchState] {
	w.now, w.moves = now, w.moves[:0]
	for i := range w.Batches {
		if !now.batches[i].dead {
			w.act(i)
			w.kill(i)
		}
	}
	for k := range now.keys {
		w.lose(k)
	}
	return w.moves
}

func (w *batchWorld) take(i int, does string) (*batchState, *batchCall) {
	who := actor{kind: "batch", number: i + 1}
	w.moves = append(w.moves, move[batchState]{step: step{who: who, does: does}, next: *w.now})
	n := &w.moves[len(w.moves)-1].next
	return n, &n.batches[i]
}

// act collects what a batch can do, or have done.
func (w *batchWorld) act(i int) {
	b := &w.now.batches[i]
	switch b.phase {
	case asking:
		w.ask(i)
	case queueing:
		if w.hasPlace(i) {
			w.enter(i)
		}
	case running:
		n, b := w.take(i, "its load ends, it sends its commits")
		b.phase = storing
		if !w.KeepsPlace {
			w.leave(n, i)
		}
	case storing:
		w.commit(i)
	case waiting:
		w.poll(i)
	}
}

// ask executes one of the acquires, in any order, or receives the answers to all.
func (w *batchWorld) ask(i int) {
	if !w.now.batches[i].has(unasked) {
		w.decide(i)
		return
	}
	for k, p := range w.now.batches[i].keys {
		if p != unasked {
			continue
		}
		switch key := w.now.keys[k]; {
		case key.there:
			_, b := w.take(i, fmt.Sprintf("its acquire finds the value of key %d", k))
			b.keys[k] = noPart
		case key.holder == 0:
			n, b := w.take(i, fmt.Sprintf("its acquire is granted the lease of key %d", k))
			n.keys[k].holder = uint8(i + 1)
			b.keys[k] = mine
		default:
			_, b := w.take(i, fmt.Sprintf("its acquire finds another's lease of key %d", k))
			if b.keys[k] = theirs; w.LoadsBusy {
				b.keys[k] = mine
			}
		}
	}
}

// decide is what a batch does when it has an answer for all its keys.
func (w *batchWorld) decide(i int) {
	b := &w.now.batches[i]
	switch {
	case !b.has(mine) || b.has(theirs) && w.WaitsBeforeCommit:
		w.wait(i, "")
	case b.placed || w.hasPlace(i):
		w.begin(i)
	default:
		n, b := w.take(i, "finds no place for its load, gives its leases back")
		b.phase = queueing
		if w.KeepsLeases {
			w.moves[len(w.moves)-1].does = "finds no place for its load"
			return
		}
		n.release(i)
		b.turn(mine, unasked)
		b.turn(theirs, unasked)
	}
}

func (w *batchWorld) hasPlace(i int) bool {
	return w.Places == 0 || w.now.taken[w.Batches[i].Process] < w.Places
}

// enter acquires the place that a batch has waited for. The batch asks for its keys again,
// unless it still has leases.
func (w *batchWorld) enter(i int) {
	if w.KeepsLeases {
		w.begin(i)
		return
	}
	n, b := w.take(i, "has a place, sends its acquires")
	w.occupy(n, i)
	b.phase = asking
}

// begin begins the load of what is there to load.
func (w *batchWorld) begin(i int) {
	n, b := w.take(i, "begins to load")
	w.occupy(n, i)
	b.phase = running
	if w.Deletes+w.Kills > 0 {
		return
	}
	for k, p := range b.keys {
		if p != mine {
			continue
		}
		if n.keys[k].loads++; n.keys[k].loads > 1 {
			n.breach = SecondLoad
		}
	}
}

func (w *batchWorld) occupy(n *batchState, i int) {
	if w.Places > 0 && !n.batches[i].placed {
		n.batches[i].placed = true
		n.taken[w.Batches[i].Process]++
	}
}

func (w *batchWorld) leave(n *batchState, i int) {
	if n.batches[i].placed {
		n.batches[i].placed = false
		n.taken[w.Batches[i].Process]--
	}
}

// commit executes one of the commits, in any order, or receives the answers to all.
func (w *batchWorld) commit(i int) {
	if !w.now.batches[i].has(mine) {
		w.wait(i, "hears of its commits")
		return
	}
	for k, p := range w.now.batches[i].keys {
		if p != mine {
			continue
		}
		if w.now.keys[k].holder != uint8(i+1) {
			_, b := w.take(i, fmt.Sprintf("its commit of key %d is refused", k))
			b.keys[k] = noPart
			continue
		}
		n, b := w.take(i, fmt.Sprintf("its commit stores key %d", k))
		n.keys[k].there, n.keys[k].holder = true, 0
		b.keys[k] = noPart
	}
}

// wait is for the keys that others load, if there are any.
func (w *batchWorld) wait(i int, says string) {
	does := "returns"
	if w.now.batches[i].has(theirs) {
		does = "waits for what others load"
	}
	if says != "" {
		does = says + ", " + does
	}
	n, b := w.take(i, does)
	b.phase = returning
	if b.has(theirs) {
		b.phase = waiting
	}
	if b.phase == returning || !w.KeepsPlace {
		w.leave(n, i)
	}
}

// poll looks at what others load, and asks again once that may have ended. A poll that finds
// nothing new is no move.
func (w *batchWorld) poll(i int) {
	news := false
	for k, p := range w.now.batches[i].keys {
		news = news || p == theirs && (w.now.keys[k].there || w.now.keys[k].holder == 0)
	}
	if !news {
		return
	}
	n, b := w.take(i, "its poll finds that a load of others has ended")
	for k, p := range b.keys {
		if p == theirs && n.keys[k].there {
			b.keys[k] = noPart
		}
	}
	b.turn(theirs, unasked)
	b.phase = asking
}

// release releases the leases of a batch.
func (s *batchState) release(i int) {
	for k := range s.keys {
		if s.keys[k].holder == uint8(i+1) {
			s.keys[k].holder = 0
		}
	}
}

// kill collects the death of a batch. Its process dies with it, and is replaced by a new one,
// whose places are free.
func (w *batchWorld) kill(i int) {
	if w.now.kills == 0 || w.now.batches[i].phase == returning {
		return
	}
	n, b := w.take(i, "dies")
	n.kills--
	w.leave(n, i)
	b.dead = true
}

// lose collects what ends a lease or a value from outside.
func (w *batchWorld) lose(k int) {
	key := w.now.keys[k]
	change := func(does string) *batchState {
		w.moves = append(w.moves, move[batchState]{step: step{does: does}, next: *w.now})
		return &w.moves[len(w.moves)-1].next
	}
	if key.holder != 0 && w.now.batches[key.holder-1].dead {
		change(fmt.Sprintf("the lease of key %d ends", k)).keys[k].holder = 0
	}
	if w.now.deletes > 0 && (key.holder != 0 || key.there) {
		n := change(fmt.Sprintf("key %d is deleted", k))
		n.deletes--
		n.keys[k] = batchKey{}
	}
}
