package redistest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Server is a real server program of this machine.
type Server struct {
	Product string // "redis" or "valkey"
	Version string // "7.0.15"
	path    string
}

// String returns product and version, like "redis-7.0.15".
func (s Server) String() string { return s.Product + "-" + s.Version }

// Servers returns the real servers to test against: none with -short, and none
// where the machine has none, which is logged. It fails the test if a server
// that ASIDE_SERVERS names does not run, and with CI set if one is missing that
// CI needs.
func Servers(t testing.TB) []Server {
	t.Helper()
	if testing.Short() {
		return nil
	}
	servers, err := found()
	if err != nil {
		t.Fatal(err)
	}
	report(t, servers)
	return servers
}

// report fails the test in CI if a server is missing that CI needs, and logs it
// elsewhere.
func report(t testing.TB, servers []Server) {
	t.Helper()
	missing := missing(servers)
	if len(missing) == 0 {
		return
	}
	tell := t.Logf
	if os.Getenv("CI") != "" {
		tell = t.Fatalf
	}
	tell("redistest: no %s to test against: name server programs in ASIDE_SERVERS", strings.Join(missing, ", no "))
}

var found = sync.OnceValues(func() ([]Server, error) { return find(os.Getenv("ASIDE_SERVERS")) })

// find identifies the programs of a comma separated list or, if it is empty,
// those on the PATH.
func find(list string) ([]Server, error) {
	var paths []string
	for path := range strings.SplitSeq(list, ",") {
		if path = strings.TrimSpace(path); path != "" {
			paths = append(paths, path)
		}
	}
	if paths == nil {
		for _, name := range []string{"redis-server", "valkey-server"} {
			if path, err := exec.LookPath(name); err == nil {
				paths = append(paths, path)
			}
		}
	}
	var servers []Server
	var errs []error
	for _, path := range paths {
		s, err := identify(path)
		servers = append(servers, s)
		errs = append(errs, err)
	}
	return servers, errors.Join(errs...)
}

var versionLine = regexp.MustCompile(`^(Redis|Valkey) server v=(\S+)`)

func identify(path string) (Server, error) {
	out, err := exec.Command(path, "--version").CombinedOutput()
	if err != nil {
		return Server{}, fmt.Errorf("redistest: %s --version: %w: %s", path, err, out)
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return Server{}, fmt.Errorf("redistest: %s is no Redis or Valkey server: its --version prints %q", path, out)
	}
	return Server{Product: strings.ToLower(string(m[1])), Version: string(m[2]), path: path}, nil
}

// missing returns which of the servers that CI needs are not there.
func missing(servers []Server) []string {
	var missing []string
	for _, want := range []string{"redis-7", "redis-8", "valkey-8"} {
		if !slices.ContainsFunc(servers, func(s Server) bool { return strings.HasPrefix(s.String(), want+".") }) {
			missing = append(missing, want)
		}
	}
	return missing
}
