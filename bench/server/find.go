// Package server starts the Redis servers that are measured against: on free
// loopback ports, without persistence, and never longer than this process lives.
package server

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A Program is a server program of this machine.
type Program struct {
	Path    string
	Version string // the first words of what it says of itself: "Redis server v=7.0.15"
}

var errNone = errors.New("server: no server program found: install one (Debian: apt-get install redis-server), " +
	"or name it: export ASIDE_SERVERS=/path/to/redis-server; in a checkout .ci/install-servers prints a list of its own")

// Find returns the first Redis 7 among the programs that ASIDE_SERVERS names, else
// the first of them, and the others in their order; where that is not set,
// redis-server and valkey-server on the PATH.
func Find() (p Program, others []Program, err error) {
	var programs []Program
	first := 0
	for i, path := range candidates() {
		p, err := identify(path)
		if err != nil {
			return Program{}, nil, err
		}
		programs = append(programs, p)
		if !programs[first].isRedis7() && p.isRedis7() {
			first = i
		}
	}
	if len(programs) == 0 {
		return Program{}, nil, errNone
	}
	return programs[first], slices.Delete(slices.Clone(programs), first, first+1), nil
}

func (p Program) isRedis7() bool { return strings.HasPrefix(p.Version, "Redis server v=7.") }

func candidates() (paths []string) {
	for path := range strings.SplitSeq(os.Getenv("ASIDE_SERVERS"), ",") {
		if path = strings.TrimSpace(path); path != "" {
			paths = append(paths, path)
		}
	}
	if paths != nil {
		return paths
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

func identify(path string) (Program, error) {
	out, err := exec.Command(path, "--version").CombinedOutput()
	if err != nil {
		return Program{}, fmt.Errorf("server: %s --version: %w: %s", path, err, out)
	}
	words := strings.Fields(string(out))
	if len(words) < 3 || words[1] != "server" || !strings.HasPrefix(words[2], "v=") {
		return Program{}, fmt.Errorf("server: %s is no Redis or Valkey server: its --version prints %q", path, out)
	}
	return Program{path, strings.Join(words[:3], " ")}, nil
}
