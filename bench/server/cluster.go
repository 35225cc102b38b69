package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

const (
	masters = 3
	slots   = 16384
)

// A Cluster is three masters that share all slots.
type Cluster struct{ Masters []*Process }

// StartCluster starts a cluster and returns when each of its masters knows all
// slots.
func (p Program) StartCluster(ctx context.Context) (*Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	c := &Cluster{}
	for range masters {
		m, err := p.Start(ctx, "--cluster-enabled", "yes")
		if err != nil {
			return nil, errors.Join(err, c.Kill())
		}
		c.Masters = append(c.Masters, m)
	}
	if err := c.join(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("server: cluster: %w", err), c.Kill())
	}
	return c, nil
}

func (c *Cluster) join(ctx context.Context) error {
	for i, m := range c.Masters {
		rdb := m.client()
		defer rdb.Close()
		if err := rdb.ClusterAddSlotsRange(ctx, i*slots/masters, (i+1)*slots/masters-1).Err(); err != nil {
			return err
		}
		if err := rdb.Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil {
			return err
		}
		host, port, err := net.SplitHostPort(c.Masters[0].Addr)
		if err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		if err := rdb.Do(ctx, "cluster", "meet", host, port, c.Masters[0].busPort()).Err(); err != nil {
			return err
		}
	}
	for _, m := range c.Masters {
		if err := m.awaitCluster(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *Process) awaitCluster(ctx context.Context) error {
	rdb := p.client()
	defer rdb.Close()
	for {
		info, err := rdb.ClusterInfo(ctx).Result()
		if err != nil {
			return err
		}
		if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", masters)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not join: %w: %s", p.Addr, ctx.Err(), info)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// busPort is the port that the process was told to use for the cluster.
func (p *Process) busPort() string {
	for i, arg := range p.cmd.Args {
		if arg == "--cluster-port" {
			return p.cmd.Args[i+1]
		}
	}
	return ""
}

// Addrs returns the addresses of the masters.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, m := range c.Masters {
		addrs = append(addrs, m.Addr)
	}
	return addrs
}

// Kill ends the masters.
func (c *Cluster) Kill() error {
	var errs []error
	for _, m := range c.Masters {
		errs = append(errs, m.Kill())
	}
	return errors.Join(errs...)
}
