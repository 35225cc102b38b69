package client

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// An unlinkStep deletes one key.
type unlinkStep struct {
	Reading
	key string
}

func (u unlinkStep) Key() string    { return u.key }
func (u unlinkStep) Keys() []string { return []string{u.key} }
func (u unlinkStep) Writes() bool   { return true }

func (u unlinkStep) Commands(ctx context.Context, _ EvalMode) []*Command {
	return []*Command{NewSmall(ctx, "unlink", u.key)}
}

func (u unlinkStep) Answered(_ context.Context, _ *Client, cmds []*Command) error {
	return cmds[0].Err()
}

// deliveries records what deletes are told.
type deliveries struct {
	mu  sync.Mutex
	all map[DeliveryKind][]string
}

func (d *deliveries) tell(t Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[DeliveryKind][]string{}
	}
	d.all[t.Kind] = append(d.all[t.Kind], t.Key)
}

func (d *deliveries) told(kind DeliveryKind) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.all[kind])
}

func (d *deliveries) delete(key string, lasts time.Duration) Delete {
	step := func() Step { return unlinkStep{key: key} }
	return Delete{Key: key, Step: step, Mark: "mark of " + key, By: d, Lasts: lasts, Tell: d.tell}
}

// Delete is part of Deleter.
func (d *deliveries) Delete(key string) (Delete, bool) { return d.delete(key, time.Hour), true }

// wantUndelivered checks what an executor remembers.
func wantUndelivered(t *testing.T, f *faulty, n int, bypassed bool) {
	t.Helper()
	got, all := f.Undelivered()
	if got != n || all != bypassed || f.HasUndelivered() != (n > 0 || bypassed) {
		t.Errorf("%d undelivered, bypassed %t, want %d, %t", got, all, n, bypassed)
	}
}

const refusal = "NOPERM this user has no permissions to run the 'unlink' command"

// What Redis refuses is sent again, ever more rarely, until it is acknowledged.
func TestRedeliver(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.answers(refusal)
		for range 3 {
			f.Redeliver(d.delete("k", time.Hour))
			f.Redeliver(d.delete("l", -1))
		}
		wantUndelivered(t, f, 2, false)
		if !f.IsUndelivered("mark of k") || f.IsUndelivered("mark of m") {
			t.Error("not the keys that have failed are undelivered")
		}
		time.Sleep(10 * time.Minute)
		sent := f.arrived("UNLINK")
		if sent < 2*10*60/5 || sent > 2*10*60/2 {
			t.Errorf("%d commands were sent in ten minutes", sent)
		}
		f.answers("")
		time.Sleep(maxDeliveryPause)
		wantUndelivered(t, f, 0, false)
		time.Sleep(time.Minute)
		if more := f.arrived("UNLINK") - sent; more != 2 || d.told(Delivered) != 2 {
			t.Errorf("%d commands were sent, and %d deliveries told, want 2", more, d.told(Delivered))
		}
		if f.redelivering() {
			t.Error("there is a goroutine without anything to deliver")
		}
	})
}

// redelivering reports whether the goroutine runs.
func (f *faulty) redelivering() bool {
	f.undelivered.mu.Lock()
	defer f.undelivered.mu.Unlock()
	return f.undelivered.running
}

// The return of a server ends the pause, and nothing is sent while it is away.
func TestRedeliverWhenTheBreakerCloses(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.network.Refuse(true)
		f.untilOpen(t)
		f.Redeliver(d.delete("k", -1))
		time.Sleep(time.Hour)
		if n := f.arrived("UNLINK"); n > 0 {
			t.Errorf("%d commands were sent", n)
		}
		f.network.Refuse(false)
		for f.BreakerOpen() {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2 * minDeliveryPause)
		wantUndelivered(t, f, 0, false)
	})
}

// A delete whose key fails again while it is sent is sent once more.
func TestRedeliverFailsAgainMeanwhile(t *testing.T) {
	eachFaulty(t, time.Minute, func(t *testing.T, f *faulty) {
		var d deliveries
		f.freeze()
		f.Redeliver(d.delete("k", -1))
		time.Sleep(time.Second) // it is on its way
		f.Redeliver(d.delete("k", -1))
		f.thaw()
		synctest.Wait()
		wantUndelivered(t, f, 1, false)
		time.Sleep(time.Second)
		wantUndelivered(t, f, 0, false)
		if n := f.arrived("UNLINK"); n != 2 || d.told(Delivered) != 1 {
			t.Errorf("%d commands were sent, and %d deliveries told", n, d.told(Delivered))
		}
	})
}

// A later write makes up for the failures before it, and for no other.
func TestAcknowledged(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.answers(refusal)
		before := f.Failures()
		f.Redeliver(d.delete("k", -1))
		f.Redeliver(d.delete("l", -1))
		f.Acknowledged("k", before)
		wantUndelivered(t, f, 2, false)
		later := f.Failures()
		f.Redeliver(d.delete("l", -1))
		f.Acknowledged("k", later)
		f.Acknowledged("l", later)
		wantUndelivered(t, f, 1, false)
		if f.IsUndelivered("mark of k") || !f.IsUndelivered("mark of l") || d.told(Delivered) != 1 {
			t.Error("not the write that failed before is made up for")
		}
	})
}

// Where there are more keys than are remembered none is cached, until all that are remembered are
// delivered and nothing can be left of the others.
func TestUndeliveredBypass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty(t, time.Second, kindsOfClients["cloned"])
		defer f.Close()
		var d, beyond deliveries
		f.answers(refusal)
		for i := range maxUndelivered {
			f.Redeliver(d.delete(fmt.Sprint(i), -1))
		}
		wantUndelivered(t, f, maxUndelivered, false)
		f.Redeliver(d.delete("0", -1)) // is remembered
		wantUndelivered(t, f, maxUndelivered, false)
		f.Redeliver(beyond.delete("x", time.Minute))
		f.Redeliver(beyond.delete("y", 2*time.Minute))
		wantUndelivered(t, f, maxUndelivered, true)
		if !f.IsUndelivered("any mark") {
			t.Error("keys are cached")
		}
		time.Sleep(3 * time.Minute)
		wantUndelivered(t, f, maxUndelivered, true) // as some are not delivered
		f.Redeliver(beyond.delete("z", time.Hour))
		f.answers("")
		time.Sleep(59 * time.Minute)
		wantUndelivered(t, f, 0, true) // as z may be left
		time.Sleep(2 * time.Minute)
		wantUndelivered(t, f, 0, false)
		if d.told(Delivered) != maxUndelivered || beyond.told(GivenUp) != 3 ||
			beyond.told(BypassBegan) != 1 || beyond.told(BypassEnded) != 1 {
			t.Errorf("told of %d deliveries; %d keys given up, %d bypasses that began and %d that ended", d.told(Delivered),
				beyond.told(GivenUp), beyond.told(BypassBegan), beyond.told(BypassEnded))
		}
		if f.redelivering() {
			t.Error("there is a goroutine without anything to deliver")
		}
	})
}

// Long names count as well.
func TestUndeliveredBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty(t, time.Second, kindsOfClients["cloned"])
		defer f.Close()
		var d deliveries
		f.answers(refusal)
		for i := range 9 {
			f.Redeliver(d.delete(fmt.Sprintf("%0500000d", i), -1))
		}
		wantUndelivered(t, f, 8, true)
	})
}

// Close ends the goroutine, and waits for nothing that is not delivered.
func TestCloseEndsRedelivery(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		other := mustNewWithin(t, f.rdb, time.Second)
		f.answers(refusal)
		f.Redeliver(d.delete("k", -1))
		other.Close()
		time.Sleep(time.Minute)
		began := time.Now()
		f.Close()
		if took := time.Since(began); took > 0 {
			t.Errorf("Close took %v", took)
		}
		sent := f.arrived("UNLINK")
		time.Sleep(time.Hour)
		if sent == 0 || f.arrived("UNLINK") > sent {
			t.Errorf("%d commands were sent before Close, and %d after", sent, f.arrived("UNLINK")-sent)
		}
	})
}
