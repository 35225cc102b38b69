package server

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
)

// Fill stores the keys fill:from to fill:to-1, each with a value of 16 bytes,
// faster than a client that reads answers could.
func (p *Process) Fill(ctx context.Context, from, to int) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	w := bufio.NewWriterSize(conn, 1<<20)
	fmt.Fprint(w, "CLIENT REPLY OFF\r\n")
	var key []byte
	for i := from; i < to; i++ {
		key = strconv.AppendInt(append(key[:0], "fill:"...), int64(i), 10)
		if _, err := fmt.Fprintf(w, "SET %s 0123456789abcdef\r\n", key); err != nil {
			return fmt.Errorf("server: fill: %w", err)
		}
	}
	fmt.Fprint(w, "CLIENT REPLY ON\r\n")
	if err := w.Flush(); err != nil {
		return fmt.Errorf("server: fill: %w", err)
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil { // the +OK of the last command
		return fmt.Errorf("server: fill: %w", err)
	}
	return nil
}

// Keys returns how many keys there are.
func (p *Process) Keys(ctx context.Context) (int64, error) {
	c := p.client()
	defer c.Close()
	return c.DBSize(ctx).Result()
}

// KeyMemory returns what MEMORY USAGE says of the only key of an otherwise empty
// server.
func (p *Process) KeyMemory(ctx context.Context) (int64, error) {
	c := p.client()
	defer c.Close()
	key, err := c.RandomKey(ctx).Result()
	if err != nil {
		return 0, err
	}
	return c.MemoryUsage(ctx, key, 0).Result()
}
