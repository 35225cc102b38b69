package client

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// late is a delete of a key whose write may still be carried out.
func (d *deliveries) late(key string) Delete {
	late := d.delete(key, time.Hour)
	late.Unsettled = true
	return late
}

// wantUnsettled checks that keys are unsettled, of which none is undelivered.
func wantUnsettled(t *testing.T, f *faulty, n int) {
	t.Helper()
	wantUndelivered(t, f, 0, false)
	if got := f.Unsettled(); got != n {
		t.Errorf("%d keys are unsettled, want %d", got, n)
	}
}

// A key whose write may still be carried out is deleted three times more, while it is cached.
func TestUnsettled(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.Redeliver(d.late("k"))
		time.Sleep(minDeliveryPause)
		for i, after := range []time.Duration{0, time.Second, 5 * time.Second, 30 * time.Second} {
			time.Sleep(after - []time.Duration{0, 0, time.Second, 5 * time.Second}[i])
			synctest.Wait()
			if n := f.arrived("UNLINK"); n != 1+i || d.told(Delivered) != 1 {
				t.Errorf("%d deletes after %v, want %d; %d are told", n, after, 1+i, d.told(Delivered))
			}
			wantUnsettled(t, f, map[bool]int{true: 1}[i < 3])
		}
		time.Sleep(time.Hour)
		if n := f.arrived("UNLINK"); n != 4 || f.redelivering() {
			t.Errorf("%d deletes in all, want 4; more are to come: %t", n, f.redelivering())
		}
	})
}

// A later write that is acknowledged makes up for the failure, and may be followed by the late one.
func TestUnsettledAfterALaterWrite(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.answers(refusal)
		f.Redeliver(d.late("k"))
		f.Acknowledged("k", f.Failures())
		wantUnsettled(t, f, 1)
		before := f.arrived("UNLINK")
		f.answers("")
		time.Sleep(time.Minute)
		wantUnsettled(t, f, 0)
		if n := f.arrived("UNLINK") - before; n != 3 {
			t.Errorf("%d deletes, want 3", n)
		}
	})
}

// A key that fails again is as unsettled as before, and what is not acknowledged is sent again.
func TestUnsettledFailsAgain(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.Redeliver(d.late("k"))
		time.Sleep(minDeliveryPause)
		wantUnsettled(t, f, 1)
		f.answers(refusal)
		f.Redeliver(d.delete("k", time.Hour))
		wantUndelivered(t, f, 1, false)
		f.Redeliver(d.delete("k", time.Hour))
		f.answers("")
		time.Sleep(maxDeliveryPause)
		wantUnsettled(t, f, 1)
		f.answers(refusal)
		time.Sleep(5 * time.Minute)
		wantUnsettled(t, f, 1)
		if n := f.arrived("UNLINK"); n > 2*300/5 {
			t.Errorf("%d deletes in five minutes", n)
		}
		f.answers("")
		time.Sleep(time.Minute)
		wantUnsettled(t, f, 0)
		f.Redeliver(d.late("l"))
		time.Sleep(minDeliveryPause)
		f.answers(refusal)
		time.Sleep(6 * time.Minute)
		wantUnsettled(t, f, 0)
		if f.redelivering() {
			t.Error("there is a goroutine without anything to deliver")
		}
	})
}

// While a command that its caller has given up goes on, a key stays unsettled, but not for ever.
func TestUnsettledWhileCommandsGoOn(t *testing.T) {
	for _, ends := range []time.Duration{time.Minute + time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			f := newFaulty(t, time.Second, kindsOfClients["cloned"])
			defer f.Close()
			var d deliveries
			f.abandoned.Add(1)
			f.Redeliver(d.late("k"))
			time.Sleep(ends)
			wantUnsettled(t, f, map[bool]int{true: 1}[ends < time.Hour])
			f.abandoned.Add(-1)
			time.Sleep(settleInterval)
			wantUnsettled(t, f, 0)
			want := 1 + len(settling) + 2 // after a minute, and when it has ended
			if ends == time.Hour {
				want = 1 + len(settling) + int(longestSettle/settleInterval) - 1
			}
			if n := f.arrived("UNLINK"); n != want {
				t.Errorf("%d deletes, want %d", n, want)
			}
		})
	}
}

// What is one too many is forgotten, and keys are cached all the same.
func TestUnsettledBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty(t, time.Second, kindsOfClients["cloned"])
		defer f.Close()
		var d deliveries
		for i := range maxUnsettled + 1 {
			f.Redeliver(d.late(fmt.Sprint(i)))
		}
		time.Sleep(2 * minDeliveryPause)
		wantUnsettled(t, f, maxUnsettled)
		time.Sleep(time.Minute)
		wantUnsettled(t, f, 0)
		for i := range 3 {
			f.Redeliver(d.late(fmt.Sprintf("%01000000d", i)))
		}
		time.Sleep(2 * minDeliveryPause)
		wantUnsettled(t, f, 2)
	})
}
