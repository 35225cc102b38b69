package tracking

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReader(t *testing.T) {
	long := strings.Repeat("k", bufferSize+1)
	for _, tt := range []struct {
		sent  string
		reply any      // of the answer that it is
		keys  []string // of the push that it is
		all   int
	}{
		{sent: "+OK\r\n", reply: "OK"},
		{sent: "-ERR no\r\n", reply: answerError("ERR no")},
		{sent: "!6\r\nERR no\r\n", reply: answerError("ERR no")},
		{sent: ":-42\r\n", reply: int64(-42)},
		{sent: "$5\r\na\r\nbc\r\n", reply: "a\r\nbc"},
		{sent: "=9\r\ntxt:a b\r\n\r\n", reply: "a b\r\n"},
		{sent: "$-1\r\n"}, {sent: "_\r\n"}, {sent: "*-1\r\n"},
		{sent: "#t\r\n", reply: true},
		{sent: ",1.5\r\n", reply: "1.5"},
		{sent: "%1\r\n+a\r\n*2\r\n:1\r\n~1\r\n_\r\n", reply: []any{"a", []any{int64(1), []any{nil}}}},
		{sent: ">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n$2\r\n\r\n\r\n", keys: []string{"a", "\r\n"}},
		{sent: ">2\r\n+invalidate\r\n*0\r\n"},
		{sent: ">2\r\n$10\r\ninvalidate\r\n_\r\n", all: 1},
		{sent: ">2\r\n$10\r\ninvalidate\r\n*-1\r\n", all: 1},
		{sent: invalidation("a", long, "b"), keys: []string{"a", "b"}, all: 1},
		{sent: ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n*1\r\n+m\r\n"},
		{sent: ">1\r\n$4\r\nnone\r\n"},
	} {
		for name, src := range map[string]io.Reader{
			"whole": strings.NewReader(tt.sent + "+next\r\n"),
			"parts": iotest.OneByteReader(strings.NewReader(tt.sent + "+next\r\n")),
		} {
			r := newReader(src)
			var keys []string
			all := 0
			reply, isPush, err := r.next(
				func(key []byte) { keys = append(keys, string(key)) }, func() { all++ })
			if err != nil || !reflect.DeepEqual(reply, tt.reply) || isPush != (tt.sent[0] == '>') {
				t.Errorf("%.40q, %s: %v, %v, %v, want %v", tt.sent, name, reply, isPush, err, tt.reply)
			}
			if !slices.Equal(keys, tt.keys) || all != tt.all {
				t.Errorf("%.40q, %s: %d times all and %q, want %d and %q", tt.sent, name, all, keys, tt.all, tt.keys)
			}
			if reply, _, err := r.next(nil, nil); reply != "next" {
				t.Errorf("%.40q, %s: then %v, %v", tt.sent, name, reply, err)
			}
		}
	}
}

// What is sent costs no memory that it only claims, and ends the connection if it is no answer.
func TestReaderOfHostileBytes(t *testing.T) {
	for _, sent := range []string{
		"$2147483647\r\n", "$8388608\r\nabc", "*2147483647\r\n", "%1073741824\r\n", "=2147483647\r\n", "!99999999\r\n",
		strings.Repeat("*1\r\n", 10_000), strings.Repeat("*65536\r\n", 7), "*1000000\r\n" + strings.Repeat("_\r\n", 1_000_000),
		">2\r\n$10\r\ninvalidate\r\n*2147483647\r\n", ">2\r\n$10\r\ninvalidate\r\n*1\r\n$2147483647\r\n",
		">2147483647\r\n+x\r\n", ">2\r\n$2147483647\r\n", ">0\r\n", ">-1\r\n", ">2\r\n+invalidate\r\n+x\r\n", ">2\r\n+invalidate\r\n*1\r\n+x\r\n",
		strings.Repeat("x", 1<<20), "\r\n", "\n", "+\n", "$x\r\n", ":x\r\n", "$1\r\nabc\r\n", "|1\r\n+a\r\n+b\r\n", "?\r\n",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := newReader(strings.NewReader(sent)).next(func([]byte) {}, func() {})
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%.40q is taken for an answer", sent)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(64<<10+64*len(sent)) {
			t.Errorf("%.40q: %d bytes of memory for %d", sent, got, len(sent))
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(invalidation("user:1", "user:2")))
	f.Add([]byte("%2\r\n$5\r\nproto\r\n:3\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"))
	f.Add([]byte("=9\r\ntxt:a b\r\n\r\n>2\r\n+invalidate\r\n_\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		r := newReader(bytes.NewReader(sent))
		left := len(sent)
		for {
			n := 0
			_, _, err := r.next(func(key []byte) { n += len(key) }, func() {})
			if n > left {
				t.Fatalf("keys of %d bytes from %d", n, left)
			}
			if err != nil {
				return
			}
		}
	})
}

// The keys of an invalidation cost no memory.
func TestInvalidationAllocations(t *testing.T) {
	keys := make([]string, 100)
	for i := range keys {
		keys[i] = fmt.Sprint("user:", i)
	}
	sent := []byte(invalidation(keys...))
	src := bytes.NewReader(sent)
	r := newReader(src)
	of := newRouting([]*Subscription{{prefixes: []string{"user:", "team:"}, handler: nothing{}}})
	if got := testing.AllocsPerRun(100, func() {
		src.Reset(sent)
		r.Reset(src)
		if _, _, err := r.next(of.invalidate, func() {}); err != nil {
			t.Fatal(err)
		}
	}); got > 10 { // of the message
		t.Errorf("%v allocations for 100 keys", got)
	}
}

type nothing struct{}

func (nothing) Invalidate([]byte) {}
func (nothing) Flush()            {}
