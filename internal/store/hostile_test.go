package store_test

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// hostileAnswers are answers that no server gives. Such as are endless come at 1 MB a second.
var hostileAnswers = map[string]func() io.Reader{
	"array of 2^31":          claims("*2147483647\r\n"),
	"array of 2^31 in pairs": claims("*2147483646\r\n*2\r\n"),
	"map of 2^30":            claims("%1073741824\r\n"),
	"set of 2^31":            claims("~2147483647\r\n"),
	"attributes":             claims("|1073741824\r\n"),
	"bulk string of 512 MB":  claims("$536870912\r\n"),
	"bulk string of 2 GB":    claims("$2147483647\r\nx"),
	"blob error of 512 MB":   claims("!536870912\r\n"),
	"verbatim of 512 MB":     claims("=536870912\r\n"),
	"inner bulk of 512 MB":   claims("*2\r\n$1\r\nx\r\n$536870912\r\n"),
	"inner array of 2^31":    claims("*2\r\n$1\r\nx\r\n*2147483647\r\n"),
	"string of 9 EB":         claims("$9223372036854775807\r\n"),
	"array of 9 EB":          claims("*9223372036854775807\r\n"),
	"map of 9 EB":            claims("%9223372036854775807\r\n"),
	"array beyond 64 bits":   claims("*99999999999999999999\r\n"),
	"string beyond 64 bits":  claims("$99999999999999999999\r\n"),
	"negative string":        claims("$-9223372036854775808\r\n"),
	"negative array":         claims("*-2\r\n"),
	"no length":              claims("$\r\n"),
	"truncated string":       claims("$50\r\nhel"),
	"truncated array":        claims("*3\r\n$1\r\na\r\n"),
	"nothing":                claims(""),
	"empty line":             claims("\r\n"),
	"bare LF":                claims("+OK\n"),
	"unknown kind":           claims("?1\r\n"),
	"streamed string":        claims("$?\r\n;1\r\na\r\n;0\r\n"),
	"streamed array":         claims("*?\r\n:1\r\n.\r\n"),
	"boolean":                claims("#x\r\n"),
	"deep arrays":            claims(strings.Repeat("*1\r\n", 100_000)),
	"deep maps":              claims(strings.Repeat("%1\r\n+k\r\n", 100_000)),
	"endless array":          endless("*2147483647\r\n", "$1\r\na\r\n"),
	"endless map":            endless("%1073741824\r\n", ":1\r\n"),
	"endless nesting":        endless("", "*1\r\n"),
	"endless empty arrays":   endless("*2147483647\r\n", "*0\r\n"),
	"endless line":           endless("+", "xxxxxxxx"),

	"odd: a big number":         claims("(3492890328409238509324850943850943825024385\r\n"),
	"odd: errors in an array":   claims("*3\r\n-ERR a\r\n*2\r\n-MOVED 1 b\r\n-ERR\r\n-READONLY c\r\n"),
	"odd: an empty array":       claims("*0\r\n"),
	"odd: nil":                  claims("_\r\n"),
	"odd: an error":             claims("-ERR no\r\n"),
	"odd: a very long error":    claims("-" + strings.Repeat("x", 100_000) + "\r\n"),
	"odd: a command moved away": claims("-MOVED 1 127.0.0.1:7000\r\n"),
}

// isOdd reports whether an answer is whole, but not what most commands return. It is no error
// where nobody looks at it.
func isOdd(what string) bool { return strings.HasPrefix(what, "odd") }

// claims is an answer after which nothing comes.
func claims(answer string) func() io.Reader {
	return func() io.Reader { return strings.NewReader(answer) }
}

// endless is an answer whose part comes for as long as it is read.
func endless(head, part string) func() io.Reader {
	return func() io.Reader {
		return io.MultiReader(strings.NewReader(head), &repeating{strings.Repeat(part, 1024/len(part))})
	}
}

type repeating struct{ part string }

func (r *repeating) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return copy(p, r.part), nil // whole, as there is room for it
}

// A hostile server answers as Redis does, to one client after another, but for the commands of
// a label.
type hostile struct {
	redistest.Fake
	op      operation
	label   string           // of the commands that are answered by answer
	mu      sync.Mutex       // guards answer
	answer  func() io.Reader // nil: none is
	labels  []string         // of the commands so far
	inMulti bool
	queued  []string // answers to commands since MULTI
}

// labelOf tells the commands of one operation apart.
func labelOf(command []string) string {
	name := strings.ToLower(command[0])
	switch name {
	case "set", "rpush", "sadd", "hset", "zadd", "pexpire", "wait", "multi", "exec", "watch":
		return name // keys where values are staged differ
	case "unlink":
		if strings.HasPrefix(command[1], "aside:") && !strings.HasPrefix(command[1], "aside:{") {
			return name + " of what is staged"
		}
	case "eval":
		return name
	}
	if len(command) == 1 {
		return name
	}
	return name + " " + command[1]
}

func (h *hostile) reply(command []string) io.Reader {
	label := labelOf(command)
	if !slices.Contains(h.labels, label) {
		h.labels = append(h.labels, label)
	}
	if answer := h.hostileAnswer(); answer != nil && label == h.label {
		return answer()
	}
	answer := h.usually(command)
	name := strings.ToLower(command[0])
	if h.inMulti && name != "exec" {
		h.queued = append(h.queued, answer)
		answer = "+QUEUED\r\n"
	}
	if name == "multi" {
		h.inMulti, h.queued = true, nil
	}
	return strings.NewReader(answer)
}

func (h *hostile) hostileAnswer() func() io.Reader {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.answer
}

// endHostility makes the server answer as Redis does from now on.
func (h *hostile) endHostility() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = nil
}

// usually is the answer of Redis where each value has one part, x, and no key a control key.
func (h *hostile) usually(command []string) string {
	name := strings.ToLower(command[0])
	if answer, ok := h.op.usual[name]; ok {
		return answer
	}
	one := func(key string) string {
		if strings.HasPrefix(key, "aside:") {
			return "$-1\r\n"
		}
		return "$1\r\nx\r\n"
	}
	switch name {
	case "get":
		return one(command[1])
	case "mget", "hmget":
		keys := command[1:]
		if name == "hmget" {
			keys = command[2:]
		}
		answer := fmt.Sprintf("*%d\r\n", len(keys))
		for _, key := range keys {
			answer += one(key)
		}
		return answer
	case "hgetall":
		return "*2\r\n$1\r\na\r\n$1\r\nx\r\n"
	case "lrange", "smembers":
		return "*1\r\n$1\r\nx\r\n"
	case "zrange":
		return "*2\r\n$1\r\nx\r\n$1\r\n1\r\n"
	case "set", "multi", "watch", "unwatch":
		return "+OK\r\n"
	case "type":
		return "+list\r\n"
	case "config":
		return "*2\r\n$18\r\nproto-max-bulk-len\r\n$9\r\n536870912\r\n"
	case "script":
		return "$40\r\n" + strings.Repeat("0", 40) + "\r\n"
	case "eval", "evalsha":
		return h.runs(command)
	case "exec":
		h.inMulti = false
		return fmt.Sprintf("*%d\r\n%s", len(h.queued), strings.Join(h.queued, ""))
	}
	return ":1\r\n"
}

// runs is the answer of a script: for many keys, the number of which is its last argument, one
// for each.
func (h *hostile) runs(command []string) string {
	if n := len(hostileKeys); command[len(command)-1] == fmt.Sprint(n) {
		return fmt.Sprintf("*%d\r\n%s", n, strings.Repeat(":1\r\n", n))
	}
	return ":1\r\n"
}

type hostileClient struct {
	name            string
	protocol        int
	cluster, hooked bool
}

// hostileClients are the ways by which commands are sent: of a client of the store's own, on
// goroutines of their own, and by a cluster client.
var hostileClients = []hostileClient{
	{"RESP2", 2, false, false}, {"RESP3", 3, false, false},
	{"RESP2 with a hook", 2, false, true}, {"RESP3 of a cluster", 3, true, false},
}

// Whatever a server sends, an operation ends within RedisTimeout, costs no more memory than a
// small multiple of what has arrived, and leaves no connection in use that could give one
// command the answer of another.
func TestHostileServer(t *testing.T) {
	ops := hostileOperations()
	for n, name := range slices.Sorted(maps.Keys(ops)) {
		t.Run(name, func(t *testing.T) {
			for label, clients := range commandsOf(t, ops[name]) {
				for _, what := range slices.Sorted(maps.Keys(hostileAnswers)) {
					n++ // so that each combination of two is there
					if raceEnabled && n%24 != 0 {
						continue // the rest is for the tests without the race detector
					}
					client := clients[n%len(clients)]
					h := hostile{label: label, answer: hostileAnswers[what]}
					h.run(t, ops[name], client, func(t *testing.T, run func() error) {
						says := fmt.Sprintf("%s, %s answered by %s", client.name, label, what)
						h.check(t, says, run, !isOdd(what) && !hostileIsNoMatter(name, label))
					})
				}
			}
		})
	}
}

// commandsOf returns the labels of the commands that an operation sends to a server that is
// not hostile, and by which clients.
func commandsOf(t *testing.T, op operation) map[string][]hostileClient {
	labels := make(map[string][]hostileClient)
	for _, client := range hostileClients {
		if op.wait && client.hooked {
			continue // as without a hook
		}
		var h hostile
		h.run(t, op, client, func(t *testing.T, run func() error) {
			if err := run(); (err != nil) != op.fails {
				t.Errorf("%s: a server that is not hostile: %v", client.name, err)
			}
		})
		for _, label := range h.labels {
			labels[label] = append(labels[label], client)
		}
	}
	return labels
}

// check runs an operation that meets an answer, and then again.
func (h *hostile) check(t *testing.T, says string, run func() error, wantsError bool) {
	began, before, sent := time.Now(), allocated(), h.Sent()
	err := run()
	took, bytes := time.Since(began), allocated()-before
	sent = h.Sent() - sent
	if took > hostileTimeout {
		t.Errorf("%s: it took %v", says, took)
	}
	if bytes > hostileBase+hostileFactor*uint64(sent) {
		t.Errorf("%s: %d bytes were allocated for %d sent", says, bytes, sent)
	}
	if err == nil && wantsError {
		t.Errorf("%s: no error", says)
	}
	h.endHostility()
	synctest.Wait() // until the server has read the rest, which it takes for commands of one connection
	if err := run(); err != nil && !h.op.fails {
		t.Errorf("%s: %.80v, and then %v", says, err, err)
	}
}

const (
	hostileBase   = 64 << 20 // for what operations and connections cost by themselves
	hostileFactor = 16       // for garbage of go-redis with each element
)

// hostileIsNoMatter reports whether an operation may do without the answer to a command, or
// tells nobody of an error.
func hostileIsNoMatter(name, label string) bool {
	return name == "RenewAll and ReleaseAll" || strings.HasPrefix(label, "config") ||
		strings.HasPrefix(label, "script") || strings.HasPrefix(label, "pttl aside:")
}

func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// run calls test in a bubble, with what runs an operation there.
func (h *hostile) run(t *testing.T, op operation, client hostileClient, test func(t *testing.T, run func() error)) {
	synctest.Test(t, func(t *testing.T) {
		h.op, h.Answer = op, h.reply
		rdb := h.Client(t, client.protocol, client.cluster)
		if client.hooked {
			rdb.(*redis.Client).AddHook(hook{})
		}
		s, err := store.New(rdb, op.shape, hostileTimeout)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			s.Close()
			_ = rdb.Close()
			time.Sleep(time.Minute) // until all that go-redis does in the background has ended
		}()
		if op.wait {
			if err := s.WaitForReplicas(1); err != nil {
				t.Fatal(err)
			}
		}
		if op.busy {
			s.ForTests().ManyInFlight()
		}
		test(t, func() error {
			return op.do(t.Context(), time.Now().Add(hostileTimeout), s)
		})
	})
}
