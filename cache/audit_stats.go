package cache

import (
	"math"

	"github.com/asidecache/aside/internal/protocol"
)

// addAudits adds what audits have found.
func (c *core) addAudits(s *Stats) {
	n := &c.stats
	s.AuditLoads, s.AuditsRepaired = n.auditLoads.Load(), n.auditsRepaired.Load()
	s.AuditsEqual, s.AuditsOvertaken = n.audits[protocol.AuditEqual].Load(), n.audits[protocol.AuditOvertaken].Load()
	s.AuditsLate, s.AuditsMissed = n.audits[protocol.AuditLate].Load(), n.audits[protocol.AuditMissed].Load()
	s.AuditsFailed = n.audits[protocol.AuditFailed].Load()
}

// ConsistentHits returns the share of the audited hits that nobody had to invalidate: all but those
// of AuditsMissed, of AuditsEqual, AuditsLate and AuditsMissed. Of all hits at least the share
// atLeast is so, with a confidence of 95 % (Clopper and Pearson, one-sided): "at least 99.98 %"
// takes some 15,000 audits without a miss. That supposes that the sample is fair; a key that is hit
// often counts as often. Without audits both are 0.
func (s Stats) ConsistentHits() (share, atLeast float64) {
	consistent := s.AuditsEqual + s.AuditsLate
	if consistent == 0 {
		return 0, 0
	}
	all := consistent + s.AuditsMissed
	return float64(consistent) / float64(all), 1 - mostMissed(float64(s.AuditsMissed), float64(all))
}

// confidence that a bound holds.
const confidence = 0.95

// mostMissed returns the share of misses at which so few, missed of n, are seen with a probability
// of 1-confidence.
func mostMissed(missed, n float64) float64 {
	low, high := missed/n, 1.0
	for range 100 {
		middle := (low + high) / 2
		if atMost(missed, n, middle) > 1-confidence {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// atMost is the probability of k successes at most in n attempts that succeed with p, more than
// k/n: each of its terms is smaller than the one above.
func atMost(k, n, p float64) (sum float64) {
	if p >= 1 {
		return 0
	}
	term := math.Exp(logChoose(n, k) + k*math.Log(p) + (n-k)*math.Log1p(-p))
	for i := k; i >= 0 && term > sum*1e-15; i-- {
		sum += term
		term *= i / (n - i + 1) * (1 - p) / p
	}
	return sum
}

// logChoose is the logarithm of n over k.
func logChoose(n, k float64) float64 {
	all, _ := math.Lgamma(n + 1)
	chosen, _ := math.Lgamma(k + 1)
	rest, _ := math.Lgamma(n - k + 1)
	return all - chosen - rest
}
