package web

import (
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Login attempts that are let through at once, and how often one more is. An address
// may mistype ten times; guessing then goes at ten a minute. The limit of an account is
// wider, because a stranger must not be able to lock an officer out with little effort,
// and still leaves an attacker with many addresses at six guesses a minute.
const (
	addressBurst = 10
	addressEvery = 6 * time.Second
	accountBurst = 30
	accountEvery = 10 * time.Second
)

// limiter bounds attempts per key with a fixed number of buckets. Keys are spread over
// the buckets by a hash with a random seed: memory is bounded, nothing is evicted, no
// attacker can aim at another key's bucket, and users that do not exist are treated as
// those that do. Two keys may share a bucket; that only makes both stricter.
type limiter struct {
	seed  maphash.Seed
	every time.Duration
	burst int

	mu      sync.Mutex
	buckets [4096]*rate.Limiter
}

func newLimiter(every time.Duration, burst int) *limiter {
	return &limiter{seed: maphash.MakeSeed(), every: every, burst: burst}
}

// take uses one attempt. When there is none left it returns how long until the next.
func (l *limiter) take(key string, now time.Time) (wait time.Duration, ok bool) {
	i := maphash.String(l.seed, key) % uint64(len(l.buckets))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buckets[i] == nil {
		l.buckets[i] = rate.NewLimiter(rate.Every(l.every), l.burst)
	}
	r := l.buckets[i].ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// reset forgets the attempts of a key after a login that succeeded.
func (l *limiter) reset(key string) {
	i := maphash.String(l.seed, key) % uint64(len(l.buckets))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buckets[i] = nil
}

// clientAddr is the address that a request comes from. Behind a proxy it is the last
// entry of X-Forwarded-For, the one that the proxy itself has written; earlier entries
// are the client's own claims.
func clientAddr(r *http.Request, behindProxy bool) netip.Addr {
	if behindProxy {
		if lines := r.Header.Values("X-Forwarded-For"); len(lines) > 0 {
			list := strings.Split(lines[len(lines)-1], ",")
			if addr, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
				return addr.Unmap().WithZone("")
			}
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{} // a listener without addresses, such as a Unix socket
	}
	return addr.Unmap().WithZone("")
}

// addrKey is what attempts are counted under: the address, or the /64 that one IPv6
// customer is usually given.
func addrKey(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
