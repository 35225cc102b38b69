// Package layout states how the packages of this module stand on each other.
package layout

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/asidecache/aside"

// The requirements of the module, and nothing else without a written reason in
// docs/decisions.md.
const (
	goRedis   = "github.com/redis/go-redis/v9"
	msgpack   = "github.com/vmihailenco/msgpack/v5"
	compress  = "github.com/klauspost/compress"
	otter     = "github.com/maypok86/otter/v2"
	xsync     = "golang.org/x/sync"
	miniredis = "github.com/alicebob/miniredis/v2"
)

var requirements = []string{goRedis, msgpack, compress, otter, xsync, miniredis}

// imports states what a package may import beside the standard library. The key
// is its folder. Imports point down only: a package further up in this list may import one
// further down, as far as the line says.
var imports = map[string][]string{
	"examples/quickstart": {"cache", "cache/cachetest", "codec", "hashmap", "loader", goRedis, miniredis},
	"examples/hello":      {"cache", goRedis},
	"examples/interop":    {"cache", "codec", "hashmap", "loader", goRedis},

	"cmd/aside": {"codec", "internal/client", "internal/explain", "internal/keyspace", "internal/rediskey", "internal/resp", "internal/store", "internal/tracking", goRedis},

	"internal/servertest": {}, // tests alone
	"internal/hitbench":   {"cache", "cache/cachetest"},
	"internal/testcache":  {"cache", "codec", "loader", "internal/redistest", goRedis},

	"cache/console":    {"cache", "internal/explain", goRedis},
	"internal/metrics": {"cache"}, // so that all adapters export the same

	"cache/cachetest":  {"cache", "codec", "loader", "internal/client", "internal/keyspace", "internal/minitracking", "internal/store", goRedis, miniredis},
	"cache/collection": {"cache", "codec", "hashmap", "internal/keyspace", "internal/pipeline", "internal/registry", "internal/store", goRedis},
	"cache":            {"codec", "loader", "internal/compare", "internal/keyspace", "internal/flight", "internal/hotkeys", "internal/near", "internal/pipeline", "internal/protocol", "internal/registry", "internal/relay", "internal/store", "internal/tracking", goRedis, xsync},

	"internal/keyspace": {"codec", "internal/rediskey", "internal/store"}, // so that keys are named, and settings checked, in one place
	"internal/pipeline": {"internal/store", goRedis},                      // so that a cache can be queued in a pipeline, which stands above it

	"internal/protocol": {"internal/client", "internal/compare", "internal/flight", "internal/relay", "internal/store"}, // in bytes: no type parameters of the caller

	"internal/explain": {"codec", "internal/client", "internal/rediskey", "internal/store", goRedis}, // so that one page and one command say the same of a key

	"internal/registry": {"codec", "internal/client", goRedis}, // which tells one client from another

	"internal/hotkeys":  {"internal/client", goRedis},                      // which tells one client from another
	"internal/near":     {"internal/tracking", otter},                      // which proves that everything was heard
	"internal/tracking": {"internal/client", "internal/rediskey", goRedis}, // which tells one client from another
	"internal/store":    {"codec", "internal/client", "internal/rediskey", "internal/resp", goRedis},
	"internal/client":   {"internal/rediskey", "internal/relay", "internal/resp", "internal/stack", goRedis},
	"internal/flight":   {"codec", "internal/stack"},
	"internal/relay":    {}, // so that panics cross goroutines in one way
	"internal/stack":    {}, // so that what the growth of a goroutine costs is known in one place

	"internal/compare":  {"codec"},
	"internal/rediskey": {},
	"internal/resp":     {"codec"},

	"hashmap": {"codec", msgpack},
	"loader":  {xsync},

	"codec/codectest": {"codec"},
	"codec":           {msgpack, compress},

	"internal/fleet":        {}, // tests alone
	"internal/faultnet":     {goRedis},
	"internal/redistest":    {goRedis, miniredis, xsync},
	"internal/layout":       {},
	"internal/minitracking": {miniredis},
	"internal/model":        {},
	"internal/mutate":       {},
	"internal/testreport":   {},
}

// testSupport may import testing outside of test files.
var testSupport = []string{"cache/cachetest", "codec/codectest", "internal/hitbench", "internal/redistest", "internal/testcache"}

// A pure package does no I/O and writes no log.
var (
	pure   = []string{"codec", "hashmap", "loader"}
	impure = []string{"net", "net/http", "os", "os/exec", "database/sql", "log", "log/slog"}
)

func TestImports(t *testing.T) {
	for folder, found := range importsOf(t, filepath.Join("..", "..")) {
		for _, o := range objections(folder, found) {
			t.Error(o)
		}
	}
}

// objections says what is wrong with the imports of the package in a folder.
func objections(folder string, found []string) (says []string) {
	allowed, known := imports[folder]
	if !known {
		return []string{folder + ": no line says what it may import"}
	}
	for _, p := range found {
		own, isOwn := strings.CutPrefix(p, module+"/")
		first, _, _ := strings.Cut(p, "/")
		switch {
		case isOwn && !slices.Contains(allowed, own):
			says = append(says, folder+" imports "+own+", which stands beside or above it")
		case !isOwn && strings.Contains(first, ".") && !slices.ContainsFunc(allowed, within(p)):
			says = append(says, folder+" imports "+p+", without which it is to do")
		case first == "testing" && !slices.Contains(testSupport, folder):
			says = append(says, folder+" imports "+p+" outside of its tests")
		case slices.Contains(pure, folder) && slices.Contains(impure, p):
			says = append(says, folder+" imports "+p+", but is to do no I/O")
		}
	}
	return says
}

// within tells of which modules a package may be.
func within(p string) func(module string) bool {
	return func(module string) bool { return p == module || strings.HasPrefix(p, module+"/") }
}

func TestObjections(t *testing.T) {
	for _, tt := range []struct {
		folder, imports string
		want            int
	}{
		{"cache", module + "/codec", 0},
		{"cache", module + "/hashmap", 1},
		{"cache", module + "/internal/redistest", 1},
		{"cache", module + "/internal/layout", 1},
		{"codec", module + "/cache", 1},
		{"loader", module + "/codec", 1},
		{"hashmap", module + "/codec", 0},
		{"internal/store", goRedis, 0},
		{"internal/store", "github.com/redis/go-redis/extra/redisotel/v9", 1},
		{"codec", goRedis, 1},
		{"codec", compress + "/zstd", 0},
		{"codec", "os", 1},
		{"codec", "encoding/json", 0},
		{"cache", "os", 0},
		{"cache", "testing", 1},
		{"cache", "testing/synctest", 1},
		{"cache/cachetest", "testing", 0},
		{"nowhere", "fmt", 1},
	} {
		if got := objections(tt.folder, []string{tt.imports}); len(got) != tt.want {
			t.Errorf("%s imports %s: objections %q, want %d", tt.folder, tt.imports, got, tt.want)
		}
	}
}

// importsOf returns what the packages of the module at root import outside of
// their tests, on all platforms, by folder.
func importsOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return otherModule(root, file)
		}
		if path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		list := found[folder]
		for _, s := range parsed.Imports {
			p, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				return err
			}
			if !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
		found[folder] = list
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// otherModule skips folders that are not of the module at root.
func otherModule(root, folder string) error {
	if folder == root {
		return nil
	}
	if name := filepath.Base(folder); name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func TestRequirements(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json", filepath.Join("..", "..", "go.mod")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		if !r.Indirect && !slices.Contains(requirements, r.Path) {
			t.Errorf("go.mod requires %s, which everybody who uses the module would then get", r.Path)
		}
	}
	for _, r := range mod.Replace {
		t.Errorf("go.mod replaces %s, which has no effect for those who use the module", r.Old.Path)
	}
}
