package resp

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// ask has go-redis write an answer to r. It reports whether the connection is used again.
func ask(t *testing.T, answer string, r *Reply) (kept bool, err error) {
	t.Helper()
	next := answer
	fake := &redistest.Fake{Answer: func([]string) io.Reader {
		defer func() { next = "+OK\r\n" }()
		return strings.NewReader(next)
	}}
	rdb := fake.Client(t, 2, false)
	err = rdb.Process(t.Context(), redis.NewRawWriteToCmd(t.Context(), r, "ping"))
	if ok, err := rdb.Do(t.Context(), "ping").Text(); ok != "OK" || err != nil {
		t.Errorf("after %.40q, the next answer is %q, %v", answer, ok, err)
	}
	return fake.Connections() == 1, err
}

// What commands return is taken as it comes.
func TestReplyTakesAnswers(t *testing.T) {
	for _, answer := range []string{
		"+OK\r\n", ":1\r\n", ",1.5\r\n", "(12345678901234567890\r\n", "#t\r\n", "_\r\n",
		"$-1\r\n", "*-1\r\n", "$0\r\n\r\n", "$2\r\n\r\n\r\n", "*0\r\n", "%0\r\n", "~0\r\n",
		"*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n+a\r\n*-1\r\n", "~2\r\n_\r\n$-1\r\n",
		"*3\r\n*0\r\n*1\r\n*1\r\n*1\r\n:1\r\n%1\r\n:1\r\n-ERR no\r\n",
		"*2\r\n-MOVED 1 a\r\n*1\r\n-LOADING\r\n",
	} {
		var r Reply
		for range 2 {
			r.Reset()
			kept, err := ask(t, answer, &r)
			if err != nil || !kept || string(r.buf) != answer {
				t.Errorf("%q: %q, %v, connection kept: %v", answer, r.buf, err, kept)
			}
		}
	}
}

// An error is what go-redis makes of it, and leaves the connection in use.
func TestReplyReturnsErrors(t *testing.T) {
	for text, is := range map[string]func(error) bool{
		"ERR no":      func(err error) bool { return redis.HasErrorPrefix(err, "no") },
		"WRONGTYPE x": func(err error) bool { return redis.HasErrorPrefix(err, "WRONGTYPE") },
		"LOADING x":   redis.IsLoadingError,
		"TRYAGAIN x":  redis.IsTryAgainError,
		"MOVED 3999 127.0.0.1:6381": func(err error) bool {
			addr, ok := redis.IsMovedError(err)
			return ok && addr == "127.0.0.1:6381"
		},
		"ASK 3999 127.0.0.1:6381":       func(err error) bool { _, ok := redis.IsAskError(err); return ok },
		strings.Repeat("x", 2*maxError): func(err error) bool { return len(err.Error()) < maxError },
	} {
		var r Reply
		kept, err := ask(t, "-"+text+"\r\n", &r)
		if !errors.As(err, new(AnswerError)) || !is(err) || !kept || r.Len() != 0 {
			t.Errorf("%.40q: %.40q, %v, connection kept: %v", text, r.buf, err, kept)
		}
	}
}

// What no command returns ends as soon as that is known, and with it the connection.
func TestReplyRefuses(t *testing.T) {
	endless := strings.Repeat("$1\r\na\r\n", 1000)
	for _, tt := range []struct {
		answer string
		limit  int
	}{
		{"|1\r\n+ttl\r\n:1\r\n:1\r\n", 0},
		{">1\r\n+message\r\n", 0},
		{"=7\r\ntxt:abc\r\n", 0},
		{"!3\r\nERR\r\n", 0},
		{"$?\r\n;1\r\na\r\n;0\r\n", 0},
		{"*?\r\n:1\r\n.\r\n", 0},
		{"$-2\r\n", 0}, {"*-2\r\n", 0}, {"*-9223372036854775808\r\n", 0}, {"%-\r\n", 0},
		{"$99999999999999999999\r\n", 0}, {"*9223372036854775807\r\n", 0}, {"*\r\n", 0},
		{"$1x\r\na\r\n", 0}, {"#x\r\n", 0}, {"?\r\n", 0}, {"a\r\n", 0},
		{"*1\r\n>1\r\n:1\r\n", 0}, {"$3\r\nabc:1\r\n", 0},
		{strings.Repeat("*1\r\n", maxNesting+1) + ":1\r\n", 0},
		{strings.Repeat("%1\r\n+a\r\n", maxNesting+1) + ":1\r\n", 0},
		{"$2147483647\r\na", 1 << 20}, {"*2147483647\r\n" + endless, 1 << 20},
		{"*1000\r\n" + endless, 6000}, {"%1000\r\n" + endless + endless, 6000},
		{"+" + strings.Repeat("x", 2000) + "\r\n", 2000},
	} {
		r := Reply{limit: tt.limit}
		kept, err := ask(t, tt.answer, &r)
		if !errors.Is(err, ErrBroken) || kept {
			t.Errorf("%.40q: %v, connection kept: %v", tt.answer, err, kept)
		}
		if tt.limit > 0 && cap(r.buf) > 4*tt.limit {
			t.Errorf("%.40q: %d bytes of memory for a limit of %d", tt.answer, cap(r.buf), tt.limit)
		}
		if kept, err = ask(t, ":1\r\n", again(&r)); err != nil || !kept || string(r.buf) != ":1\r\n" {
			t.Errorf("after %.40q: %q, %v, connection kept: %v", tt.answer, r.buf, err, kept)
		}
	}
}

// A verbatim string is an answer only where it is accepted, and within the limit.
func TestReplyAcceptsText(t *testing.T) {
	for answer, want := range map[string]string{
		"=8\r\ntxt:a\r\nb\r\n": "a\r\nb", "=4\r\ntxt:\r\n": "", "$1\r\na\r\n": "a",
	} {
		var r Reply
		r.AcceptText()
		kept, err := ask(t, answer, &r)
		text, found, broken := r.Text()
		if err != nil || !kept || broken != nil || !found || string(text) != want {
			t.Errorf("%q: %q, %v, %v, %v, connection kept: %v", answer, text, found, err, broken, kept)
		}
	}
	for _, answer := range []string{"=-1\r\n", "=x\r\n", "=2147483647\r\na", "*1\r\n=5\r\ntxt:a\r\n"} {
		r := Reply{limit: 1 << 10}
		r.AcceptText()
		_, err := ask(t, answer, &r)
		if _, found, broken := r.Text(); !errors.Is(err, ErrBroken) && !errors.Is(broken, ErrBroken) {
			t.Errorf("%q: %v, %v, %v", answer, found, err, broken)
		}
	}
	for _, answer := range []string{"=3\r\ntxt\r\n", "=5\r\ntxt-a\r\n", "=5\r\ntxt:a\r\n:1\r\n", "=9\r\ntxt:a\r\n"} {
		r := Reply{buf: []byte(answer), text: true}
		if text, _, err := r.Text(); !errors.Is(err, ErrBroken) {
			t.Errorf("%q: %q, %v", answer, text, err)
		}
	}
}

func again(r *Reply) *Reply { r.Reset(); return r }

// The walk over elements knows where an array ends: an error behind it is the answer's own.
func TestReplyFollowsArrays(t *testing.T) {
	answer := "*2\r\n*2\r\n:1\r\n-ERR a\r\n*1\r\n:2\r\n"
	var r Reply
	for line := range strings.SplitSeq(strings.TrimSuffix(answer, "\r\n"), "\r\n") {
		for _, p := range [][]byte{[]byte(line), []byte("\r\n")} {
			if _, err := r.Write(p); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
	}
	if parts, err := r.Elements(2); err != nil || string(parts[0].buf) != "*2\r\n:1\r\n-ERR a\r\n" {
		t.Errorf("%v, %v", parts, err)
	}
}
