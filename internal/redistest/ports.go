package redistest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports of test servers lie below those that systems hand out to outgoing
// connections and to listeners on port 0, so that a server that was killed finds
// its port still free when it is restarted. They come in blocks. A process owns
// a block while it listens on the block's first port, and so parallel test
// processes never take each other's.
const (
	firstPort = 12_000
	lastPort  = 32_000
	blockSize = 100
)

var ports struct {
	sync.Mutex
	owned      []net.Listener // never closed: the blocks end with the process
	next, last int            // of the newest block
}

// freePort returns a loopback port that this process has not been given before.
// A program that knows nothing of the blocks may hold it.
func freePort() (int, error) {
	ports.Lock()
	defer ports.Unlock()
	if ports.next == ports.last {
		if err := ownBlock(); err != nil {
			return 0, err
		}
	}
	ports.next++
	return ports.next - 1, nil
}

// ownBlock is called with ports locked.
func ownBlock() error {
	const blocks = (lastPort - firstPort) / blockSize
	start := rand.IntN(blocks)
	for i := range blocks {
		base := firstPort + (start+i)%blocks*blockSize
		if l, err := net.Listen("tcp", loopback(base)); err == nil {
			ports.owned = append(ports.owned, l)
			ports.next, ports.last = base+1, base+blockSize
			return nil
		}
	}
	return errors.New("redistest: no block of loopback ports is free")
}

func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
