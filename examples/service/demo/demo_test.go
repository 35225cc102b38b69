package demo

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// echo is a server that returns each line.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *proxy) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", p.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, bufio.NewReader(c)
}

func TestProxy(t *testing.T) {
	p, err := newProxy(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	c, lines := dial(t, p)
	say := func(line string) {
		t.Helper()
		if _, err := io.WriteString(c, line); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(want string) {
		t.Helper()
		if got, err := lines.ReadString('\n'); err != nil || got != want {
			t.Fatalf("heard %q, %v; want %q", got, err, want)
		}
	}
	say("one\n")
	hear("one\n")

	p.set(frozen)
	say("two\n")
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if got, err := lines.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("while it is frozen: %q, %v", got, err)
	}
	_ = c.SetReadDeadline(time.Time{})
	p.set(up)
	hear("two\n")

	p.set(stopped)
	if got, err := lines.ReadString('\n'); err == nil {
		t.Errorf("when it was stopped: %q", got)
	}
	if c, lines = dial(t, p); true {
		if got, err := lines.ReadString('\n'); err == nil {
			t.Errorf("a connection to what is stopped: %q", got)
		}
	}
	p.set(up)
	c, lines = dial(t, p)
	say("three\n")
	hear("three\n")
	if got := p.now(); got != up {
		t.Errorf("it is %s", got)
	}
}

// A query takes its delay, more or less, and is counted for the run of its context.
func TestMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m meter
		m.delay.Store(int64(normal))
		ctx := withRun(t.Context(), "7")
		for range 100 {
			began := time.Now()
			if got, err := asked(ctx, &m, func() (int, error) { return 42, nil }); got != 42 || err != nil {
				t.Fatal(got, err)
			}
			if took := time.Since(began); took < normal/2 || took > normal*3/2 {
				t.Errorf("it took %v", took)
			}
		}
		if _, err := asked(t.Context(), &m, func() (int, error) { return 0, io.EOF }); err != io.EOF {
			t.Error(err)
		}
		if m.ofRun("7") != 100 || m.ofRun("8") != 0 || m.queries.Load() != 101 {
			t.Errorf("%d of the run, %d of another, %d in all", m.ofRun("7"), m.ofRun("8"), m.queries.Load())
		}
	})
}

// A read is stale that began after a change was acknowledged, and returned what was before.
func TestStaleReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArm("", nil)
		before := time.Now()
		time.Sleep(time.Millisecond)
		a.acknowledged(1, 3)
		a.acknowledged(1, 2) // which two clients may learn in either order
		time.Sleep(time.Second)
		now := time.Now()
		for _, tt := range []struct {
			id, revision int64
			began        time.Time
			want         bool
		}{
			{1, 3, now, false},
			{1, 4, now, false},
			{1, 2, now, true},
			{1, 2, before, false},
			{2, 1, now, false},
		} {
			if got := a.read(tt.id, tt.revision, tt.began); got != tt.want {
				t.Errorf("%+v: stale: %v", tt, got)
			}
		}
		if got := a.look().Reads; got != (reads{All: 5, Stale: 1, Worst: time.Second}) {
			t.Errorf("%+v", got)
		}
	})
}

// What clients see is of a window, and of those that still wait.
func TestPercentiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArm("", nil)
		for range 200 {
			r, _ := a.begin(true)
			time.Sleep(10 * time.Millisecond)
			a.end(r, true)
		}
		if s := a.look(); s.P50 != 10*time.Millisecond || s.P99 != 10*time.Millisecond || s.Requests != 200 {
			t.Errorf("%+v", s)
		}
		for range maxRunning {
			a.begin(true)
		}
		if _, ok := a.begin(true); ok {
			t.Error("there is no limit")
		}
		time.Sleep(time.Second)
		if s := a.look(); s.P99 != time.Second || s.Waiting != maxRunning || s.Failed != 1 || s.Requests != 601 {
			t.Errorf("%+v", s)
		}
		time.Sleep(window)
		if s := a.look(); s.P50 != window+time.Second {
			t.Errorf("%+v: what has ended long ago is counted", s)
		}
	})
}
