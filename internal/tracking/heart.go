package tracking

import (
	"errors"
	"strconv"
	"time"
)

const (
	beat     = 150 * time.Millisecond // between questions, of which three make a proof
	idleBeat = time.Second
	idleFor  = 10 * time.Second       // for which nobody has asked, before the beat is slow
	placeFor = 900 * time.Millisecond // until a server is asked again whether it is a master
)

// A heart keeps a connection to a node tracking what is to be heard, and proves that it is.
type heart struct {
	*node
	conn     *conn
	followed uint64   // changes of the subscriptions
	prefixes []string // that are tracked
	sent     [3]int64 // when the last questions were sent, the newest first
	asked    int      // how many there were
	burst    int      // how many are to follow each other at once
	placed   time.Time
	used     time.Time // when the epoch was used last
}

// beat returns why the connection is lost.
func (h *heart) beat() error {
	h.used, h.burst = time.Now(), len(h.sent)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if err := h.follow(); err != nil {
			return err
		}
		if err := h.prove(); err != nil {
			return err
		}
		pause := h.pause()
		if pause == 0 {
			continue
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-h.changed:
		case <-h.wake:
			h.wakeUp()
		case login := <-h.conn.logins:
			if _, err := h.conn.ask(login...); err != nil {
				return err
			}
		case <-h.conn.over:
			return h.conn.err
		}
	}
}

// wakeUp makes a proof at once, after a while in which nobody has asked for one.
func (h *heart) wakeUp() {
	if h.idle.Load() {
		h.burst = len(h.sent)
		h.of.look()
	}
}

// follow tracks what the subscriptions are about.
func (h *heart) follow() error {
	want, changes := h.of.wanted(h.followed)
	if changes == h.followed {
		return nil
	}
	missing, extra := without(want, h.prefixes), without(h.prefixes, want)
	if len(extra) > 0 { // Redis does not forget a single prefix
		h.end()
		if _, err := h.conn.ask("CLIENT", "TRACKING", "OFF"); err != nil {
			return err
		}
		missing = want
	}
	if len(missing) > 0 {
		if err := h.conn.track(missing); err != nil {
			return err
		}
	}
	h.prefixes, h.followed = want, changes
	if h.state.Load() == nil {
		h.begin(changes)
	} else {
		h.extend(changes)
	}
	return nil
}

// prove asks the server something, and notes what that proves.
func (h *heart) prove() error {
	sent := Now()
	if err := h.question(); err != nil {
		return err
	}
	h.burst--
	if Now()-sent > int64(beat) { // so that what was slow is proven again soon
		h.burst = len(h.sent)
	}
	copy(h.sent[1:], h.sent[:])
	h.sent[0] = sent
	if h.asked++; h.asked >= len(h.sent) {
		h.confirm(h.sent[len(h.sent)-1])
	}
	return nil
}

// question asks, about once a second, whether the server is a master still, and else nothing.
func (h *heart) question() error {
	if now := time.Now(); now.Sub(h.placed) >= placeFor {
		h.placed = now
		return h.place()
	}
	n := strconv.Itoa(h.asked)
	reply, err := h.conn.ask("PING", n)
	var refusal answerError
	switch {
	case errors.As(err, &refusal): // as while the disk is full: HELLO is never refused
		_, err = h.conn.hello("HELLO")
	case err == nil && reply != n:
		err = errBroken
	}
	return err
}

// place asks whether the server is a master, and of what.
func (h *heart) place() error {
	if h.of.cluster {
		reply, err := h.conn.ask("CLUSTER", "NODES")
		if err != nil {
			return cannotTrack(err)
		}
		view, err := parseNodes(reply)
		if err == nil {
			h.of.claim(h.node, view)
		}
		return err
	}
	role, err := h.conn.hello("HELLO")
	if err == nil && role != "master" {
		err = errNotMaster
	}
	return err
}

// pause returns the time until the next question.
func (h *heart) pause() time.Duration {
	if h.burst > 0 {
		return 0
	}
	if s := h.state.Load(); s != nil && !s.epoch.unused.Swap(true) {
		h.used = time.Now()
	}
	idle := time.Since(h.used) > idleFor
	h.idle.Store(idle) // from now on the use of the epoch ends the pause
	if s := h.state.Load(); idle && (s == nil || s.epoch.unused.Load()) {
		return idleBeat
	}
	return beat
}
