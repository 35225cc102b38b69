package faultnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/internal/faultnet"
)

// An echo is a server in memory that sends back what it reads, and remembers it.
type echo struct{ heard strings.Builder }

func (e *echo) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		buf := make([]byte, 1<<10)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			e.heard.Write(buf[:n])
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	return client, nil
}

// test runs in a bubble with a connection to an echo through a network.
func test(t *testing.T, f func(t *testing.T, n *faultnet.Network, e *echo, c net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		n, e := new(faultnet.Network), new(echo)
		c, err := n.Dialer(e.dial)(t.Context(), "tcp", "127.0.0.1:6379")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		f(t, n, e, c)
	})
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

func wantRead(t *testing.T, c net.Conn, want string) {
	t.Helper()
	buf := make([]byte, 100)
	if n, err := c.Read(buf); string(buf[:n]) != want || err != nil {
		t.Errorf("Read = %q, %v, want %q", buf[:n], err, want)
	}
}

func TestNoFaults(t *testing.T) {
	test(t, func(t *testing.T, n *faultnet.Network, _ *echo, c net.Conn) {
		began := time.Now()
		write(t, c, "hello")
		wantRead(t, c, "hello")
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		if n.Sent() != 5 || n.Dials() != 1 {
			t.Errorf("%d bytes, %d dials", n.Sent(), n.Dials())
		}
	})
}

func TestDelay(t *testing.T) {
	test(t, func(t *testing.T, n *faultnet.Network, e *echo, c net.Conn) {
		n.Delay(func() time.Duration { return time.Minute })
		began := time.Now()
		write(t, c, "hello")
		synctest.Wait()
		if e.heard.String() != "hello" {
			t.Error("the request is late, too")
		}
		wantRead(t, c, "hello")
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v, want a minute", took)
		}

		write(t, c, "hello")
		_ = c.SetDeadline(time.Now().Add(time.Second))
		began = time.Now()
		_, err := c.Read(make([]byte, 100))
		if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took != time.Second {
			t.Errorf("a read with a deadline of a second: %v after %v", err, took)
		}
		n.Delay(nil)
		_ = c.SetDeadline(time.Time{})
		wantRead(t, c, "hello") // nothing was lost
	})
}

// A read that waits for the server leaves at its deadline.
func TestDeadline(t *testing.T) {
	test(t, func(t *testing.T, _ *faultnet.Network, _ *echo, c net.Conn) {
		began := time.Now()
		_ = c.SetReadDeadline(began.Add(time.Second))
		_, err := c.Read(make([]byte, 100))
		if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestLoseAnswers(t *testing.T) {
	test(t, func(t *testing.T, n *faultnet.Network, e *echo, c net.Conn) {
		n.LoseAnswers("set", 1)
		write(t, c, "$3\r\nget\r\n")
		wantRead(t, c, "$3\r\nget\r\n")
		write(t, c, "$3\r\nset\r\n")
		if k, err := c.Read(make([]byte, 100)); k != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("Read = %d, %v, want the end", k, err)
		}
		if !strings.HasSuffix(e.heard.String(), "set\r\n") {
			t.Error("the request was lost, too")
		}
		next, err := n.Dialer(e.dial)(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close()
		write(t, next, "$3\r\nset\r\n")
		wantRead(t, next, "$3\r\nset\r\n")
		if n.Requests() != 2 {
			t.Errorf("%d requests", n.Requests())
		}
	})
}

func TestLoseAnswer(t *testing.T) {
	test(t, func(t *testing.T, n *faultnet.Network, e *echo, c net.Conn) {
		n.LoseAnswer(func(answer []byte) bool { return answer[0] == ':' })
		write(t, c, "+OK")
		wantRead(t, c, "+OK")
		write(t, c, ":1")
		if k, err := c.Read(make([]byte, 100)); k != 0 || !errors.Is(err, io.EOF) || e.heard.String() != "+OK:1" {
			t.Errorf("Read = %d, %v, want the end", k, err)
		}
		next, err := n.Dialer(e.dial)(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close()
		write(t, next, ":1")
		wantRead(t, next, ":1")
	})
}

func TestSpoil(t *testing.T) {
	test(t, func(t *testing.T, n *faultnet.Network, _ *echo, c net.Conn) {
		n.Spoil(func([]byte) ([]byte, bool) { return []byte("bye"), false })
		write(t, c, "hello")
		wantRead(t, c, "bye")
		n.Spoil(nil)
		write(t, c, "hello")
		wantRead(t, c, "hello")
		n.Spoil(func(answer []byte) ([]byte, bool) { return answer[:2], true })
		write(t, c, "hello")
		wantRead(t, c, "he")
		if k, err := c.Read(make([]byte, 100)); k != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("Read = %d, %v, want the end", k, err)
		}
	})
}

func TestCutWritesAbove(t *testing.T) {
	test(t, func(t *testing.T, n *faultnet.Network, e *echo, c net.Conn) {
		n.CutWritesAbove(5)
		write(t, c, "hello")
		wantRead(t, c, "hello")
		if k, err := c.Write([]byte("hello!")); k != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write = %d, %v", k, err)
		}
		if _, err := c.Read(make([]byte, 100)); err == nil {
			t.Error("the connection is not broken")
		}
		if e.heard.String() != "hello" || n.Cut() != 1 || n.Cut() != 0 || n.Sent() != 5 {
			t.Errorf("the server has read %q", e.heard.String())
		}
	})
}

func TestReadInPieces(t *testing.T) {
	test(t, func(t *testing.T, n *faultnet.Network, _ *echo, c net.Conn) {
		n.ReadInPieces(2)
		write(t, c, "hello")
		for _, want := range []string{"he", "ll", "o"} {
			wantRead(t, c, want)
		}
	})
}

func TestRefuse(t *testing.T) {
	test(t, func(t *testing.T, n *faultnet.Network, e *echo, c net.Conn) {
		dial := func() error {
			c, err := n.Dialer(e.dial)(t.Context(), "tcp", "127.0.0.1:6379")
			if err == nil {
				_ = c.Close()
			}
			return err
		}
		n.Refuse(true)
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a connection outlives it")
		}
		if err := dial(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
		n.Refuse(false)
		n.RefuseNext(1)
		if err := dial(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the next dial: %v", err)
		}
		if err := dial(); err != nil || n.Dials() != 4 {
			t.Errorf("the dial after it: %v; %d dials", err, n.Dials())
		}
	})
}

// A connection that is made while the network begins to refuse is closed.
func TestRefuseDuringADial(t *testing.T) {
	n, e := new(faultnet.Network), new(echo)
	var made net.Conn
	_, err := n.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
		n.Refuse(true)
		made, _ = e.dial(ctx, network, addr)
		return made, nil
	})(t.Context(), "tcp", "127.0.0.1:6379")
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
	if _, err := made.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a write to what was made: %v", err)
	}
}

func TestDialers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := faultnet.Refused(t.Context(), "tcp", "127.0.0.1:6379")
		if err == nil || err.Error() != "dial tcp 127.0.0.1:6379: connect: connection refused" {
			t.Errorf("Refused: %v", err)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := faultnet.Hanging(ctx, "tcp", ""); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("Hanging: %v after %v", err, time.Since(began))
		}
		c, err := faultnet.Silent(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		write(t, c, "hello")
		_ = c.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Silent answers: %v", err)
		}
	})
}

func TestHold(t *testing.T) {
	for _, closes := range []bool{false, true} {
		test(t, func(t *testing.T, n *faultnet.Network, e *echo, c net.Conn) {
			free := new(echo)
			other, err := n.Dialer(free.dial)(t.Context(), "tcp", "127.0.0.1:6379")
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			n.Hold(true)
			write(t, c, "held ")
			n.Hold(false)
			write(t, c, "back ")
			if closes {
				_ = c.Close()
			}
			write(t, other, "free")
			time.Sleep(time.Hour)
			synctest.Wait()
			if e.heard.String() != "" || free.heard.String() != "free" {
				t.Errorf("the servers have heard %q, %q", e.heard.String(), free.heard.String())
			}
			n.Release()
			if !closes {
				wantRead(t, c, "held back ")
				write(t, c, "more")
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if want := map[bool]string{true: "held back ", false: "held back more"}[closes]; e.heard.String() != want {
				t.Errorf("the server has heard %q, want %q", e.heard.String(), want)
			}
		})
	}
}
