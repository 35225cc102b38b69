package cachetest

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const ping, pong = "*1\r\n$4\r\nPING\r\n", "+PONG\r\n"

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	conn, err := s.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if n, err := io.WriteString(conn, text); n != len(text) || err != nil {
		t.Fatalf("Write: %d, %v", n, err)
	}
}

// bubble runs a test with a server and a connection to it.
func bubble(t *testing.T, test func(t *testing.T, s *Server, conn net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(t)
		test(t, s, dial(t, s))
	})
}

func TestDeadlines(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, conn net.Conn) {
		began := time.Now()
		_ = conn.SetDeadline(began.Add(time.Second))
		_, err := conn.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("Read: %v after %v", err, time.Since(began))
		}
		if _, err := conn.Write([]byte(ping)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write: %v", err)
		}
		_ = conn.SetDeadline(time.Time{})
		send(t, conn, ping)
		if _, err := io.ReadFull(conn, make([]byte, len(pong))); err != nil {
			t.Errorf("without a deadline: %v", err)
		}
	})
}

// A deadline that is set while a read waits counts for that read.
func TestDeadlineOfAWaitingRead(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, conn net.Conn) {
		_ = conn.SetReadDeadline(time.Now().Add(time.Hour))
		began := time.Now()
		time.AfterFunc(time.Second, func() { _ = conn.SetReadDeadline(time.Now()) })
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("Read: %v after %v", err, time.Since(began))
		}
	})
}

func TestCloseOfAWaitingRead(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, conn net.Conn) {
		time.AfterFunc(time.Second, func() { _ = conn.Close() })
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read: %v", err)
		}
		if _, err := conn.Write([]byte(ping)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write: %v", err)
		}
		synctest.Wait()
		if n := len(s.links); n != 0 {
			t.Errorf("the server still counts %d connections", n)
		}
	})
}

func TestWriteAfterTheServerHasClosed(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, conn net.Conn) {
		send(t, conn, "*1\r\n$4\r\nQUIT\r\n")
		if b, err := io.ReadAll(conn); string(b) != "+OK\r\n" || err != nil {
			t.Errorf("Read: %q, %v", b, err)
		}
		if _, err := conn.Write([]byte(ping)); err != errBroken {
			t.Errorf("Write: %v", err)
		}
	})
}

// What is written behind a call that hangs, on the same connection, hangs too, and
// the order stays.
func TestBehindACallThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, conn net.Conn) {
		got := make(chan string)
		go func() {
			b := make([]byte, len("$3\r\n1st\r\n$3\r\n2nd\r\n"))
			_, _ = io.ReadFull(conn, b)
			got <- string(b)
		}()
		s.Hang(1)
		synctest.Wait() // the read waits
		for _, text := range []string{"1st", "2nd"} {
			send(t, conn, "*2\r\n$4\r\nPING\r\n$3\r\n"+text+"\r\n")
		}
		synctest.Wait()
		select {
		case b := <-got:
			t.Errorf("answered with %q", b)
		default:
		}
		s.Up()
		if b := <-got; b != "$3\r\n1st\r\n$3\r\n2nd\r\n" {
			t.Errorf("answers %q", b)
		}
	})
}

// A fault befalls the whole of a call, however many writes it takes.
func TestFaultOfACallInParts(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, conn net.Conn) {
		s.Fail(1, errors.New("ERR no"))
		send(t, conn, ping[:7])
		send(t, conn, ping[7:]+ping)
		b := make([]byte, 64)
		if n, err := conn.Read(b); string(b[:n]) != "-ERR no\r\n-ERR no\r\n" || err != nil {
			t.Errorf("Read: %q, %v", b[:n], err)
		}
		s.DropAnswer(1)
		send(t, conn, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")
		send(t, conn, "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n")
		if n, err := conn.Read(b); n != 0 || err != io.EOF {
			t.Errorf("Read: %q, %v", b[:n], err)
		}
		for _, key := range []string{"a", "b"} {
			if !s.redis.Exists(key) {
				t.Errorf("SET %s was not carried out before its answer was lost", key)
			}
		}
	})
}

// Up in the middle of a call lets the rest of it go where its beginning goes.
func TestUpInTheMiddleOfACall(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, conn net.Conn) {
		s.Drop(1)
		send(t, conn, ping[:7])
		s.Up()
		send(t, conn, ping[7:])
		b := make([]byte, len(pong))
		if _, err := io.ReadFull(conn, b); string(b) != pong || err != nil {
			t.Errorf("Read: %q, %v", b, err)
		}
	})
}

// A write behind which a read waits already is a call of its own.
func TestFaultWhileAReadWaits(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, conn net.Conn) {
		got := make(chan string)
		go func() {
			b := make([]byte, 64)
			n, _ := conn.Read(b)
			got <- string(b[:n])
		}()
		synctest.Wait()
		s.Fail(1, errors.New("ERR no"))
		send(t, conn, ping)
		if b := <-got; b != "-ERR no\r\n" {
			t.Errorf("Read: %q", b)
		}
	})
}

// The ways in which a connection ends, seen from both ends, with a call and an
// answer under way and another call held back.
func TestEndings(t *testing.T) {
	for _, tt := range []struct {
		name           string
		end            func(l *link)
		server, client string // what the ends still read
		err            error  // of the client's next read
	}{
		{"client closes", func(l *link) { _ = clientEnd{l}.Close() }, "request", "", net.ErrClosed},
		{"server closes", func(l *link) { _ = serverEnd{l}.Close() }, "", "answer", io.EOF},
		{"connection breaks", func(l *link) { l.lose(errReset) }, "", "", errReset},
		{"connection breaks twice", func(l *link) { l.lose(errReset); l.lose(errRefused) }, "", "", errReset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLink(&Server{faults: []pending{{fault: hang, n: 1}}})
				l.requests, l.answers = []byte("request"), []byte("answer")
				send(t, clientEnd{l}, "held")
				tt.end(l)
				_, _ = serverEnd{l}.Write([]byte(" too late"))
				l.release()
				read := func(r io.Reader) (text string, err error) {
					b := make([]byte, 64)
					n, err := r.Read(b)
					if err == nil {
						text = string(b[:n])
						_, err = r.Read(b)
					}
					return text, err
				}
				if text, err := read(serverEnd{l}); text != tt.server || err != io.EOF {
					t.Errorf("the server reads %q, %v", text, err)
				}
				if text, err := read(clientEnd{l}); !strings.HasPrefix(text, tt.client) || (text == "") != (tt.client == "") || err != tt.err {
					t.Errorf("the client reads %q, %v", text, err)
				}
			})
		})
	}
}

func TestAppendFailures(t *testing.T) {
	const get, multi, exec = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "*1\r\n$5\r\nmulti\r\n", "*1\r\n$4\r\nexec\r\n"
	for _, tt := range []struct{ call, want string }{
		{get, "-no\r\n"},
		{get + get, "-no\r\n-no\r\n"},
		{multi + get + exec, "+OK\r\n+QUEUED\r\n-no\r\n"},
		{multi + get + exec + get, "+OK\r\n+QUEUED\r\n-no\r\n-no\r\n"},
		{get + get[:9], "-no\r\n"},
	} {
		if got := string(appendFailures(nil, []byte(tt.call), "-no\r\n")); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.call, got, tt.want)
		}
	}
}

func TestNextCommand(t *testing.T) {
	for _, tt := range []struct {
		call, name, rest string
		ok               bool
	}{
		{"*1\r\n$4\r\nping\r\n", "PING", "", true},
		{"*2\r\n$3\r\nGET\r\n$1\r\na\r\nmore", "GET", "more", true},
		{"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", "GET", "", true},
		{"*1\r\n$2\r\n\xb5k\r\n", "\xb5K", "", true}, // no text
		{"*1\r\n$4\r\n\u017fet\r\n", "\u017fET", "", true},
		{"*2\r\n$3\r\nGET\r\n$9\r\na", "GET", "", false},
		{"*2\r\n$3\r\nGET", "", "", false},
		{"*0\r\n", "", "", false},
		{"*-1\r\n", "", "", false},
		{"*1\r\n$-1\r\n", "", "", false},
		{"PING\r\n", "", "", false},
		{"", "", "", false},
	} {
		name, rest, ok := nextCommand([]byte(tt.call))
		if name != tt.name || string(rest) != tt.rest || ok != tt.ok {
			t.Errorf("%q: %q, %q, %v", tt.call, name, rest, ok)
		}
	}
}

func FuzzNextCommand(f *testing.F) {
	for _, seed := range []string{ping, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "*1\r\n$9223372036854775807\r\n", "*9223372036854775807\r\n", "$", "*\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, call []byte) {
		name, rest, ok := nextCommand(call)
		if ok && (len(name)+len(rest) >= len(call) || string(call[len(call)-len(rest):]) != string(rest)) {
			t.Errorf("%q: %q, rest %q", call, name, rest)
		}
		if answers := appendFailures(nil, call, "-ERR\r\n"); len(answers) > 6*len(call) {
			t.Errorf("%q: %d bytes of answers", call, len(answers))
		}
	})
}
