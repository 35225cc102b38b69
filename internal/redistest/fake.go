package redistest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
)

// A Fake is a server that answers commands with any bytes, in memory, so that it can be part of
// a testing/synctest bubble. What a client sends to get ready, it answers as a server does that
// is the only master of its cluster.
type Fake struct {
	// Answer returns what a command is answered with. It is called in turn, by one connection
	// at a time. Where the bytes are no whole answer, the client waits for the rest.
	Answer func(command []string) io.Reader

	protocol    int
	turn        sync.Mutex
	connections atomic.Int64
	sent        atomic.Int64
}

// fakeAddr is where a Fake is in its cluster.
const fakeAddr = "127.0.0.1:7000"

// Client returns a client of the server that speaks RESP2 or RESP3. It is closed when the test
// ends.
func (f *Fake) Client(t *testing.T, protocol int, cluster bool) redis.UniversalClient {
	t.Helper()
	f.protocol = protocol
	o := &redis.UniversalOptions{
		Addrs: []string{fakeAddr}, Protocol: protocol, IsClusterMode: cluster,
		Dialer: f.dial, DialerRetries: 1, DisableIdentity: true,
	}
	rdb := redis.NewUniversalClient(o)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// Connections returns how many connections there have been.
func (f *Fake) Connections() int { return int(f.connections.Load()) }

// Sent returns how many bytes of answers have been read by clients.
func (f *Fake) Sent() int64 { return f.sent.Load() }

func (f *Fake) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	f.connections.Add(1)
	commands := make(chan []string, 1<<12) // a client writes a whole pipeline before it reads
	go func() {
		defer close(commands)
		for r := bufio.NewReader(server); ; {
			command, err := readCommand(r)
			if err != nil {
				return
			}
			commands <- command
		}
	}()
	go func() {
		defer server.Close()
		for command := range commands {
			if _, err := io.Copy(counting{server, &f.sent}, f.answer(command)); err != nil {
				return
			}
		}
	}()
	return client, nil
}

// A counting writer counts what is written.
type counting struct {
	io.Writer
	n *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// readCommand reads an array of bulk strings.
func readCommand(r *bufio.Reader) (command []string, err error) {
	n, err := readLength(r)
	for range n {
		size, err := readLength(r)
		if err != nil {
			return nil, err
		}
		arg := make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(r, arg); err != nil {
			return nil, err
		}
		command = append(command, string(arg[:size]))
	}
	return command, err
}

func readLength(r *bufio.Reader) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

func (f *Fake) answer(command []string) io.Reader {
	host, port, _ := strings.Cut(fakeAddr, ":")
	switch strings.ToLower(command[0]) {
	case "hello":
		return strings.NewReader(fmt.Sprintf("*2\r\n$5\r\nproto\r\n:%d\r\n", f.protocol))
	case "client", "readonly", "asking":
		return strings.NewReader("+OK\r\n")
	case "command":
		return strings.NewReader("*0\r\n")
	case "cluster":
		return strings.NewReader(fmt.Sprintf(
			"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$%d\r\n%s\r\n:%s\r\n", len(host), host, port))
	}
	f.turn.Lock()
	defer f.turn.Unlock()
	return f.Answer(command)
}
