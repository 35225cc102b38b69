package main

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/examples/service/app"
)

// find returns what the groups of a pattern match in each line of a file that it matches.
func find(t *testing.T, file, pattern string) (found [][]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^ *` + pattern + `$`)
	for _, m := range lines.FindAllStringSubmatch(string(text), -1) {
		found = append(found, m[1:])
	}
	if len(found) == 0 {
		t.Fatalf("%s has no line of the form %s", file, pattern)
	}
	return found
}

// arguments returns those of an instruction of the Dockerfile.
func arguments(t *testing.T, instruction string) (args []string) {
	t.Helper()
	text := find(t, "Dockerfile", instruction+` (\[.*\])`)[0][0]
	if err := json.Unmarshal([]byte(text), &args); err != nil {
		t.Fatal(err)
	}
	return args
}

// What compose.yaml and the Dockerfile say is what the program understands, and they agree.
func TestCompose(t *testing.T) {
	environment := map[string]string{}
	for _, line := range find(t, "compose.yaml", `([A-Z_]+): (\S+)`) {
		environment[line[0]] = line[1]
	}
	for name, value := range environment {
		t.Setenv(name, value)
	}
	entry := arguments(t, "ENTRYPOINT")
	s, err := parse(slices.Concat(entry[1:], arguments(t, "CMD")), io.Discard)
	if err != nil || s.demo != "off" || s.database == "" || s.redis == "" {
		t.Fatalf("%+v, %v", s, err)
	}
	page, err := parse(append(entry[1:], "-demo", "page"), io.Discard) // as compose.yaml has it
	if err != nil || page.addr != s.addr || page.demo != "page" {
		t.Errorf("with -demo page: %+v, %v", page, err)
	}

	host, port, err := net.SplitHostPort(s.addr)
	exposed := find(t, "Dockerfile", `EXPOSE (\d+)`)
	published := find(t, "compose.yaml", `- "127\.0\.0\.1:(\d+):(\d+)"`)
	if err != nil || host != "" || exposed[0][0] != port || published[0][1] != port {
		t.Errorf("it listens at %s, and %s is exposed and %s published", s.addr, exposed, published)
	}
	for _, at := range find(t, "compose.yaml", `#.*localhost:(\d+).*`) {
		if at[0] != published[0][0] {
			t.Errorf("the port is %s, and one is told %s", published[0][0], at[0])
		}
	}

	images := map[string]string{} // by the name of the server
	for _, line := range find(t, "compose.yaml", `([a-z]+):\n    image: ([a-z]+):\S+`) {
		images[line[0]] = line[1]
	}
	database, err := pgx.ParseConfig(s.database)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{database.User, database.Password, database.Database}
	want := []string{"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}
	for i, name := range want {
		want[i] = environment[name]
	}
	if images[database.Host] != "postgres" || database.Port != 5432 || database.TLSConfig != nil ||
		!slices.Equal(got, want) {
		t.Errorf("no server is %s", s.database)
	}
	rdb, err := app.Redis(s.redis)
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	server, at, _ := strings.Cut(rdb.(*redis.Client).Options().Addr, ":")
	if images[server] != "redis" || at != "6379" {
		t.Errorf("no server is %s", s.redis)
	}

	grace, err := time.ParseDuration(find(t, "compose.yaml", `stop_grace_period: (\S+)`)[0][0])
	if err != nil || grace <= s.drain+shutdownTime {
		t.Errorf("it is killed after %v, %v, and may take %v", grace, err, s.drain+shutdownTime)
	}
}
