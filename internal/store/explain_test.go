package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/store"
)

func TestExplain(t *testing.T) {
	local, remote := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 54321}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 6379}
	local6, remote6 := &net.TCPAddr{IP: net.IPv6loopback, Port: 54321}, &net.TCPAddr{IP: net.IPv6loopback, Port: 6379}
	reset := &net.OpError{Op: "read", Net: "tcp", Source: local, Addr: remote, Err: errors.New("connection reset by peer")}
	late := &net.OpError{Op: "read", Net: "tcp", Source: local, Addr: remote, Err: os.ErrDeadlineExceeded}
	const mb = 1 << 20
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, "<nil>"},
		{reset, "read tcp 10.0.0.5:6379: connection reset by peer"},
		{fmt.Errorf("failed to greet: %w", reset), "failed to greet: read tcp 10.0.0.5:6379: connection reset by peer"},
		{&net.OpError{Op: "write", Net: "tcp6", Source: local6, Addr: remote6, Err: errors.New("broken pipe")}, "write tcp6 [::1]:6379: broken pipe"},
		{errors.New("dial tcp: lookup redis on 10.0.0.2:53: read udp 10.0.0.1:38817->10.0.0.2:53: i/o timeout"), "dial tcp: lookup redis on 10.0.0.2:53: read udp 10.0.0.2:53: i/o timeout"},
		{errors.New("x509: certificate has expired or is not yet valid: current time 2026-01-02T03:04:05Z is after 2025-12-31T00:00:00Z"),
			"x509: certificate has expired or is not yet valid: the current time is after 2025-12-31T00:00:00Z"},
		{io.EOF, "EOF"},
		{context.DeadlineExceeded, "no answer within RedisTimeout, 1s"},
		{late, "no answer within RedisTimeout, 1s"},
		{store.Sized(late, 100*mb), "no answer within RedisTimeout, 1s, for a value of 100 MB"},
		{store.Sized(late, 100<<10), "no answer within RedisTimeout, 1s, for a value of 100 KB"},
		{store.Sized(late, 1<<10), "no answer within RedisTimeout, 1s"},
		{store.Sized(reset, 3*mb), "read tcp 10.0.0.5:6379: connection reset by peer, for a value of 3 MB"},
		{store.Sized(errors.New("ERR no"), 3*mb), "ERR no"},
	} {
		s := newStoreOf(t, redis.NewClient(&redis.Options{}), time.Second)
		got := s.Explain(tt.err)
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%v: %v, want %s", tt.err, got, tt.want)
		}
		if errors.Is(got, context.DeadlineExceeded) {
			t.Errorf("%v: it seems to be of the caller's context", tt.err)
		}
		if op := (*net.OpError)(nil); errors.As(tt.err, &op) && !op.Timeout() && !errors.As(got, &op) {
			t.Errorf("%v: the cause cannot be found in it", tt.err)
		}
	}
}

// A timeout may be one of the client's, where that is shorter.
func TestExplainATimeoutOfTheClient(t *testing.T) {
	s := newStoreOf(t, redis.NewClient(&redis.Options{ReadTimeout: time.Second / 2}), time.Second)
	err := &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 6379}, Err: os.ErrDeadlineExceeded}
	if got := s.Explain(err).Error(); got != "read tcp 10.0.0.5:6379: i/o timeout" {
		t.Error(got)
	}
}

// What happens twice is told in the same words twice, so that logs can be grouped.
func TestOneTextForOneThing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1<<10))
			_, _ = conn.Write([]byte("-ERR unknown command\r\n")) // to HELLO
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.(*net.TCPConn).SetLinger(0) // the client is reset
			_ = conn.Close()
		}
	}()
	rdb := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), Protocol: 2, DisableIdentity: true, MaxRetries: -1})
	defer rdb.Close()
	s := newStoreOf(t, rdb, time.Minute)
	defer s.Close()
	texts := make(map[string]bool)
	for range 5 {
		_, err := s.Read(t.Context(), "k", new(store.Entry), time.Now())
		if !strings.Contains(fmt.Sprint(err), "->"+listener.Addr().String()) {
			t.Fatalf("error %v, want one of the connection", err)
		}
		texts[fmt.Sprint(s.Explain(err))] = true
	}
	for text := range texts {
		if len(texts) > 1 || strings.Contains(text, "->") {
			t.Errorf("%q", text)
		}
	}
}
