package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/asidecache/aside/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

const wanted = `Go caches, Python reads:
title   Grüße, 世界
visits  42
user    {'id': '1', 'name': 'Ada', 'balance': '1.5', 'active': 'true'}
recent  ['3', '1', '3']
tags    ['blå', 'rot']
scores  [('bob', -1.0), ('ada', 12.5)]
Python writes, Go reads:
title   Привет, 世界
visits  7
user    {ID:2 Name:Grace Balance:0.25 Active:true}
recent  [30 10 30]
tags    ["grün" "red"]
scores  [{first -Inf} {ann 0.1} {last +Inf}]
Go knows two users, Python tells of a change, Go asks again:
  user 1 is Ada
  the source is asked for user 404
  user 404 does not exist
  the source is asked for user 1
  user 1 is Ada
  the source is asked for user 404
  user 404 does not exist
`

// The two programs agree on every type, in both directions, on every server.
func TestStory(t *testing.T) {
	python := pythonWithRedis(t)
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			addr := server.Start(t, redistest.Standalone).Nodes()[0].Addr
			var out strings.Builder
			if err := run(t.Context(), &out, python, addr); err != nil {
				t.Fatal(err)
			}
			if out.String() != wanted {
				t.Errorf("the story is\n%s\nwant\n%s", out.String(), wanted)
			}
		})
	}
}

func TestPythonFails(t *testing.T) {
	python := pythonWithRedis(t)
	err := runPython(t.Context(), new(strings.Builder), python, "127.0.0.1:1", "read")
	if err == nil || !strings.Contains(err.Error(), "step read") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("without a server: %v", err)
	}
}

// pythonWithRedis returns a Python that has redis-py. The first on the PATH may be one
// that Debian's packages are not for.
func pythonWithRedis(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import redis").Run() == nil {
			return python
		}
	}
	const missing = "no Python 3 with redis-py to test against: install python3 and python3-redis"
	if os.Getenv("CI") != "" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}
