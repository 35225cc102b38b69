package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	startTime = 30 * time.Second // far more than a server needs
	attempts  = 5                // another program may take a port that was free
)

// A Process is a running server. Its methods are for one goroutine at a time.
type Process struct {
	Addr string
	cmd  *exec.Cmd
	dir  string
	done chan struct{} // closed when the process has ended
}

// Start starts a server and waits until it answers. args are added to its command
// line.
func (p Program) Start(ctx context.Context, args ...string) (*Process, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	var errs []error
	for range attempts {
		proc, err := p.launch(args)
		if err != nil {
			return nil, err
		}
		if err = proc.await(ctx); err == nil {
			return proc, nil
		}
		errs = append(errs, err, proc.Kill())
	}
	return nil, fmt.Errorf("server: %s does not start: %w", p.Path, errors.Join(errs...))
}

func (p Program) launch(args []string) (*Process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	busPort, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aside-bench-")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(p.Path, append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--cluster-port", strconv.Itoa(busPort),
		"--dir", dir, "--save", "", "--appendonly", "no", "--loglevel", "warning",
	}, args...)...)
	if err := start(cmd); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	proc := &Process{Addr: loopback(port), cmd: cmd, dir: dir, done: make(chan struct{})}
	go func() {
		defer close(proc.done)
		_ = cmd.Wait() // it is killed
	}()
	return proc, nil
}

func (p *Process) await(ctx context.Context) error {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.Addr)
		if err == nil {
			conn.Close()
			c := p.client()
			defer c.Close()
			return c.Ping(ctx).Err()
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %s", p.cmd.ProcessState)
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// client returns a client for questions about the server, whose commands no
// contender sends.
func (p *Process) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: p.Addr, Protocol: 2, PoolSize: 1, DisableIdentity: true, DialerRetries: 1, MaxRetries: -1, ReadTimeout: startTime})
}

// Kill ends the server at once and waits for its end. It holds for a frozen one
// too, and does nothing to one that has ended.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if err != nil {
		return err
	}
	<-p.done
	return os.RemoveAll(p.dir)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", loopback(0))
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
