package tracking

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// answerTimeout is how long a server may take to answer before its connection counts as lost.
// It is longer than the bounds of those that ask whether an epoch is proven: when a server was
// only slow, its answer proves it again, and nothing has to be flushed.
const answerTimeout = 2 * time.Second

// A conn is a connection to a server, which is always being read.
type conn struct {
	net.Conn
	replies chan any      // of commands, which are sent one after another
	logins  chan []string // of 1: a command to log in again with
	over    chan struct{} // closed when the connection is lost
	once    sync.Once
	err     error // why it is; set before over is closed
	timer   *time.Timer
	out     []byte // the last command
	atEnd   []func()
}

// connect makes a connection to a master, and calls key and all for the invalidations of a key
// and of all keys. Its end must be called.
func connect(ctx context.Context, opt *redis.Options, key func([]byte), all func()) (*conn, error) {
	nc, err := dial(ctx, opt)
	if err != nil {
		return nil, err
	}
	c := &conn{
		Conn: nc, replies: make(chan any), logins: make(chan []string, 1), over: make(chan struct{}),
		timer: time.NewTimer(answerTimeout),
	}
	c.timer.Stop()
	stop := context.AfterFunc(ctx, func() { c.lose(ctx.Err()) })
	c.atEnd = append(c.atEnd, func() { stop() })
	var reading sync.WaitGroup
	reading.Go(func() { c.read(key, all) })
	c.atEnd = append(c.atEnd, reading.Wait)
	role, err := c.greet(ctx, opt)
	if err == nil && role != "master" {
		err = errNotMaster
	}
	if err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// end closes the connection, and returns when nothing of it runs any more.
func (c *conn) end() {
	c.lose(errClosed)
	for _, f := range c.atEnd {
		f()
	}
}

// lose closes the connection.
func (c *conn) lose(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.over)
		_ = c.Close()
	})
}

// read hands on what is read, until the connection is lost.
func (c *conn) read(key func([]byte), all func()) {
	r := newReader(c.Conn)
	for {
		reply, isPush, err := r.next(key, all)
		switch {
		case err != nil:
			c.lose(err)
			return
		case isPush:
			continue
		}
		select {
		case c.replies <- reply:
		case <-c.over:
			return
		}
	}
}

// ask sends a command and returns its answer. The connection is lost if there is none in time.
func (c *conn) ask(args ...string) (any, error) {
	c.out = appendCommand(c.out[:0], args...)
	_ = c.SetWriteDeadline(time.Now().Add(answerTimeout)) // which some connections do not have
	if _, err := c.Write(c.out); err != nil {
		c.lose(err)
		return nil, c.err
	}
	c.timer.Reset(answerTimeout)
	defer c.timer.Stop()
	select {
	case reply := <-c.replies:
		if err, failed := reply.(answerError); failed {
			return nil, err
		}
		return reply, nil
	case <-c.timer.C:
		c.lose(errNoPong)
	case <-c.over:
	}
	return nil, c.err
}
