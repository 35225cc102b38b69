package demo

import (
	"context"
	"database/sql/driver"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// A meter counts the queries of a database, and makes each as slow as the page says: it takes its
// connection for that long, as a slow query does.
type meter struct {
	delay   atomic.Int64 // of a query, on average
	queries atomic.Int64

	mu   sync.Mutex
	runs map[string]int // queries by the run that they belong to, see withRun
}

type runKey struct{}

// withRun marks the queries of requests that belong together, such as those of a stampede.
func withRun(ctx context.Context, run string) context.Context {
	return context.WithValue(ctx, runKey{}, run)
}

func (m *meter) ofRun(run string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[run]
}

// count counts a query before it is sent. Loads of a cache keep the values of their callers'
// contexts, and so their run.
func (m *meter) count(ctx context.Context) {
	m.queries.Add(1)
	if run, _ := ctx.Value(runKey{}).(string); run != "" {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.runs == nil {
			m.runs = make(map[string]int)
		}
		m.runs[run]++
	}
}

// wait takes half of a query's delay, half of it more or less by chance.
func (m *meter) wait(ctx context.Context) error {
	half := time.Duration(m.delay.Load()) / 2
	if half <= 0 {
		return nil
	}
	select {
	case <-time.After(half/2 + rand.N(half)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// asked is a query: on its way to the database, and its answer on the way back.
func asked[T any](ctx context.Context, m *meter, ask func() (T, error)) (answer T, err error) {
	m.count(ctx)
	if err := m.wait(ctx); err != nil {
		return answer, err
	}
	answer, err = ask()
	if err != nil {
		return answer, err
	}
	_ = m.wait(ctx) // the answer is there: whether the context is over is the caller's to see
	return answer, nil
}

// wrap is a store.Wrap.
func (m *meter) wrap(c driver.Connector) driver.Connector { return metered{c, m} }

type metered struct {
	driver.Connector
	meter *meter
}

func (m metered) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := m.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &meteredConn{c, m.meter}, nil
}

// A meteredConn has all that both drivers' connections have and database/sql looks for.
type meteredConn struct {
	driver.Conn
	meter *meter
}

func (c *meteredConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return asked(ctx, c.meter, func() (driver.Rows, error) {
		return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	})
}

func (c *meteredConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return asked(ctx, c.meter, func() (driver.Result, error) {
		return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	})
}

func (c *meteredConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c *meteredConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c *meteredConn) Ping(ctx context.Context) error { return c.Conn.(driver.Pinger).Ping(ctx) }

func (c *meteredConn) ResetSession(ctx context.Context) error {
	return c.Conn.(driver.SessionResetter).ResetSession(ctx)
}

func (c *meteredConn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *meteredConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}
