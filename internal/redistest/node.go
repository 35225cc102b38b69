package redistest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// startTimeout is how long a server, or a group of them, may take to be ready. It is
// far more than they need: only a test that fails anyway waits that long.
const startTimeout = 5 * time.Minute

var errPortTaken = errors.New("the port is taken")

// A Node is one server process of an Instance. Its methods, and those of the
// Instance that are not said to be safe for it, must not be called concurrently.
type Node struct {
	Addr string // host:port

	port, busPort int
	id            string // of a member of a cluster, or of a Sentinel
	path          string
	args          []string
	config        string // its path, which no other server has

	process *exec.Cmd
	exited  chan struct{} // closed once process is reaped
	paused  bool
	log     tail
}

// newNode prepares a server on free ports, with a folder of its own in dir. args
// are added to its command line.
func newNode(server Server, dir string, args []string) (*Node, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	busPort, err := freePort()
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, strconv.Itoa(port))
	n := &Node{
		Addr: loopback(port), port: port, busPort: busPort, id: newID(),
		path: server.path, config: filepath.Join(dir, "server.conf"),
	}
	n.args = append([]string{n.config}, args...)
	return n, os.Mkdir(dir, 0o700)
}

// newID returns what servers call each other by: 40 random hex digits.
func newID() string {
	var id [20]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// configure writes the node's configuration.
func (n *Node) configure(lines ...string) error {
	own := []string{
		"bind 127.0.0.1",
		"port " + strconv.Itoa(n.port),
		"dir " + strconv.Quote(filepath.Dir(n.config)),
	}
	return n.write(filepath.Base(n.config), append(own, lines...)...)
}

// write puts a file of lines into the node's folder.
func (n *Node) write(name string, lines ...string) error {
	text := strings.Join(lines, "\n") + "\n"
	return os.WriteFile(filepath.Join(filepath.Dir(n.config), name), []byte(text), 0o600)
}

// start starts the process and waits until it answers.
func (n *Node) start(ctx context.Context) error {
	cmd := exec.Command(n.path, n.args...)
	cmd.Stdout, cmd.Stderr = &n.log, &n.log
	cmd.WaitDelay = time.Second
	if err := StartProcess(cmd); err != nil {
		return fmt.Errorf("redistest: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
	n.process, n.exited, n.paused = cmd, exited, false
	return n.await(ctx, "answer", n.answers)
}

// answers tells whether the node, and no other server on its port, answers.
func (n *Node) answers(ctx context.Context, c *redis.Client) error {
	info, err := c.InfoMap(ctx, "server").Result()
	if err != nil {
		return err
	}
	if got := info["Server"]["config_file"]; got != n.config {
		return fmt.Errorf("a server with the configuration %q is on its port", got)
	}
	return nil
}

// await asks the node until ask returns nil. It fails when the process ends or
// ctx is done.
func (n *Node) await(ctx context.Context, what string, ask func(context.Context, *redis.Client) error) error {
	c := n.client()
	defer c.Close()
	err := poll(ctx, n.exited, func() error { return ask(ctx, c) })
	switch {
	case err == nil:
		return nil
	case n.running():
		return fmt.Errorf("redistest: %s %s did not %s in time: %w; its log:\n%s", n.path, n.Addr, what, err, &n.log)
	case strings.Contains(n.log.String(), "Address already in use"):
		return fmt.Errorf("redistest: %s: %w", n.Addr, errPortTaken)
	default:
		return fmt.Errorf("redistest: %s %s ended; its log:\n%s", n.path, n.Addr, &n.log)
	}
}

// poll calls ask, ever less often, until it returns nil. It returns ask's last
// error once ctx is done or stop is closed.
func poll(ctx context.Context, stop <-chan struct{}, ask func() error) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-stop:
			return err
		case <-time.After(pause):
		}
	}
}

// client returns a client for questions about the server's state, which gives up
// soon: they are asked again.
func (n *Node) client() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: n.Addr, Protocol: 2, MaxRetries: -1, DialerRetries: 1,
		ReadTimeout: 500 * time.Millisecond, ContextTimeoutEnabled: true,
	})
}

// kill ends the process and waits for its end. A node that does not run is left
// alone.
func (n *Node) kill() error {
	if !n.running() {
		return nil
	}
	err := n.process.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if err == nil {
		<-n.exited
	}
	return err
}

func (n *Node) running() bool {
	if n.process == nil {
		return false
	}
	select {
	case <-n.exited:
		return false
	default:
		return true
	}
}

// Kill ends the server at once, as a crash would, and waits until it is gone. It
// holds for a paused server too, and does nothing to one that does not run.
func (n *Node) Kill(t testing.TB) {
	t.Helper()
	if err := n.kill(); err != nil {
		t.Fatalf("redistest: kill %s: %v", n.Addr, err)
	}
}

// Pause freezes the server: its connections stay open and nothing answers, until
// Resume or Kill.
func (n *Node) Pause(t testing.TB) {
	t.Helper()
	if err := pause(n.process.Process); err != nil {
		t.Fatalf("redistest: pause %s: %v", n.Addr, err)
	}
	n.paused = true
}

// Resume lets a paused server go on.
func (n *Node) Resume(t testing.TB) {
	t.Helper()
	if err := resume(n.process.Process); err != nil {
		t.Fatalf("redistest: resume %s: %v", n.Addr, err)
	}
	n.paused = false
}

// Restart kills the server, if it runs, and starts it again on its port, empty.
// It returns when the server answers; how the rest of its instance takes it is
// for Instance.AwaitReady.
func (n *Node) Restart(t testing.TB) {
	t.Helper()
	n.Kill(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := n.start(ctx); err != nil {
		t.Fatal(err)
	}
}
