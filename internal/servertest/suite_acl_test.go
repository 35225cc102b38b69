package servertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

// A use is what a user with some lines' rules does.
type use struct {
	name  string
	lines []string // of docs/operations.md
	run   func(ctx context.Context, rdb redis.UniversalClient) error
}

// keyLine is the line of the keys that all use.
const keyLine = "the keys of the Name `user`"

var uses = []use{
	{"strings", []string{"every cache", "and, strings"}, usesCache(codec.Codec[string](codec.Text[string]()), "one", strings.Repeat("two", 2000))},
	{"hashes", []string{"every cache", "and, `hashmap`"}, usesCache(codec.Codec[account](accounts), account{ID: 1, Name: "one"}, account{ID: 2, Name: strings.Repeat("two", 2000)})},
	{"lists", []string{"every cache", "and, `codec.List`"}, usesCache[[]string](codec.List(codec.Text[string]()), []string{"one"}, []string{strings.Repeat("two", 2000), "b"})},
	{"sets", []string{"every cache", "and, `codec.Set`"}, usesCache[map[string]struct{}](codec.Set(codec.Text[string]()), map[string]struct{}{"one": {}}, map[string]struct{}{strings.Repeat("two", 2000): {}})},
	{"sorted sets", []string{"every cache", "and, `codec.SortedSet`"}, usesCache[[]codec.Scored[string]](codec.SortedSet(codec.Text[string]()), []codec.Scored[string]{{Elem: "one", Score: 1}}, []codec.Scored[string]{{Elem: strings.Repeat("two", 2000), Score: 2}})},
	{"near", []string{"every cache", "and, strings", "a near cache"}, usesNear},
	{"List", []string{"every collection", "and, `List`"}, usesList},
	{"Set", []string{"every collection", "and, `Set`"}, usesSet},
	{"SortedSet", []string{"every collection", "and, `SortedSet`"}, usesSortedSet},
	{"Hash", []string{"every collection", "and, `Hash`"}, usesHash},
	{"fields", []string{"every collection", "and, `Hash`", "and, `Hash`, TTLs of fields"}, usesFieldTTLs},
	{"replicas", []string{"every cache", "and, strings", "`WaitReplicas`"}, usesReplicas},
	{"ExecAtomic", []string{"every collection", "`Pipeline.ExecAtomic`"}, usesExecAtomic},
}

type account struct {
	ID      int64   `redis:"id"`
	Name    string  `redis:"name"`
	Balance float64 `redis:"balance"`
}

var accounts = hashmap.MustOf[account]()

// Every operation works with the rights that docs/operations.md tells of, on every server.
func TestLeastRights(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			return // it knows no rights
		}
		for i, u := range uses {
			t.Run(u.name, func(t *testing.T) {
				if !works(t, u, env) {
					return
				}
				env.FlushAll(t)
				rules := redistest.Rules(t, append(u.lines, keyLine)...)
				if env.Topology == redistest.Cluster {
					rules = append(rules, redistest.Rules(t, "a `ClusterClient`", "a near cache, on a cluster")...)
				}
				if err := u.run(t.Context(), env.NewUser(t, fmt.Sprint("least", i), rules)); err != nil {
					t.Errorf("with %q: %v", rules, err)
				}
			})
		}
	})
}

// works reports whether a use works at all on servers.
func works(t *testing.T, u use, env *redistest.Env) bool {
	switch u.name {
	case "fields": // from Redis 7.4 on
		info, err := env.Client.Do(t.Context(), "command", "info", "hpexpire").Slice()
		if err != nil {
			t.Fatal(err)
		}
		return len(info) == 1 && info[0] != nil
	case "replicas":
		return env.Topology == redistest.Cluster
	}
	return true
}

// No rule is there for nothing: without it something fails, or goes without leases.
func TestNoRightIsNeedless(t *testing.T) {
	servers := redistest.Servers(t)
	if len(servers) == 0 {
		t.Skip("there is no server")
	}
	env := servers[0].Start(t, redistest.Standalone).Env(t)
	needless := make(map[[2]string]bool) // by line and rule
	for n, u := range uses {
		if !works(t, u, env) {
			continue
		}
		lines := append(u.lines, keyLine)
		rules := redistest.Rules(t, lines...)
		for at, rule := range rules {
			rest := slices.Delete(slices.Clone(rules), at, at+1)
			rdb := env.NewUser(t, fmt.Sprint("without", n, "-", at), rest)
			err := u.run(t.Context(), rdb)
			if named, _, _ := strings.Cut(rule, "{"); errors.Is(err, errCheck) && !strings.Contains(err.Error(), strings.TrimSuffix(named, "*")) {
				t.Errorf("%s without %s: Check does not name it: %v", u.name, rule, err)
			}
			for _, line := range lines {
				if is, known := needless[[2]string{line, rule}]; slices.Contains(redistest.Rules(t, line), rule) && (is || !known) {
					needless[[2]string{line, rule}] = err == nil
				}
			}
			_ = rdb.Close()
		}
	}
	helpful := redistest.Rules(t, "may be left out")
	for of, is := range needless {
		if is && !slices.Contains(helpful, of[1]) {
			t.Errorf("%s: nothing fails without %s", of[0], of[1])
		}
	}
}

// errCheck is in what Check has found, which is not tried further.
var errCheck = errors.New("check")
