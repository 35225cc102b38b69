package tracking

import (
	"strings"
	"testing"
)

const (
	nodesHead = "07c3 127.0.0.1:30004@31004,host slave e7d1 0 1426238317239 4 connected\n" +
		"67ed 127.0.0.1:30002@31002,host2 master - 0 1426238316232 2 connected 5461-10922\n" +
		"292f 127.0.0.1:30003@31003,,shard-id=1 master,fail - 0 1426238318243 3 connected 10923-16383\n" +
		"6ec2 127.0.0.1:30005@31005,host5 master - 0 1426238316232 5 connected\n"
	nodesSelf = "e7d1 127.0.0.1:30001@31001,host1 myself,master - 0 0 1 connected "
)

func TestParseNodes(t *testing.T) {
	v, err := parseNodes(nodesHead + nodesSelf + "0-5460 [93->-292f] [6000-<-67ed] 16383\n")
	if err != nil {
		t.Fatal(err)
	}
	if n := v.own.len(); n != 5461 || v.own.has(93) || v.own.has(6000) || !v.own.has(0) || !v.own.has(16383) {
		t.Errorf("%d slots; 93: %v, 6000: %v", n, v.own.has(93), v.own.has(6000))
	}
	if v.masters != 2 {
		t.Errorf("%d masters, want the 2 that have slots and have not failed", v.masters)
	}
}

func TestParseNodesThatSayNothing(t *testing.T) {
	for _, answer := range []any{
		nil, int64(1), "", "OK", nodesHead,
		nodesSelf + "0-16384", nodesSelf + "-1", nodesSelf + "5-4", nodesSelf + "a-b", nodesSelf + "1-2-3",
		strings.Replace(nodesSelf, "master", "slave", 1),
	} {
		if v, err := parseNodes(answer); err == nil {
			t.Errorf("%q: %d slots", answer, v.own.len())
		}
	}
}
