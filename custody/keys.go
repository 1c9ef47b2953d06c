package custody

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// The files of a folder of keys.
const (
	privateName = "signing.pem" // the key that signs, PKCS #8
	publicName  = "public.json" // the public halves of all keys, newest first; written after it
	nextName    = "next.pem"    // while a rotation is under way
	boundName   = "log"         // the name of the custody log that the keys sign for
)

// ErrKey says that the signing key is not there, not secret or not the right one. Nothing
// is signed then, and no other key is made in its place.
var ErrKey = errors.New("signing key")

// Keys is the folder that holds the signing key. Any number of processes may sign; a key
// is replaced only while one process alone has the folder open. A Keys is safe for
// concurrent use.
type Keys struct {
	dir  string
	lock *os.File // public.json itself is replaced, so the folder is what is locked

	mu      sync.RWMutex
	private ed25519.PrivateKey
	public  []PublicKey // newest first
}

// OpenKeys opens the folder, and makes it and the first key when there has never been one.
// A key that was there and is not, or that others could read, is refused with ErrKey.
func OpenKeys(dir string) (*Keys, error) {
	k, err := openKeys(dir)
	if err != nil {
		return nil, fmt.Errorf("keys %s: %w", dir, durable.Hint(err))
	}
	return k, nil
}

func openKeys(dir string) (_ *Keys, err error) {
	if err := durable.MkdirSync(dir); err != nil {
		return nil, err
	}
	k := &Keys{dir: dir}
	if k.lock, err = os.Open(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.lock.Close())
		}
	}()
	if err := k.checkFolder(); err != nil {
		return nil, err
	}
	// What a crash left is put right by whoever comes first, alone.
	if err := lockFile(context.Background(), k.lock, lockExclusive, 0); err == nil {
		if err := k.recover(); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, ErrInUse) {
		return nil, err
	}
	// Only waits while another process does the same.
	if err := lockFile(context.Background(), k.lock, lockShared, keysWait); err != nil {
		return nil, err
	}
	return k, k.load()
}

// keysWait is how long a process waits for another to make a key.
const keysWait = 10 * time.Second

// recover makes the first key, or finishes a rotation that a crash cut in two.
func (k *Keys) recover() error {
	private, public := k.path(privateName), k.path(publicName)
	_, errPublic := os.Stat(public)
	key, errPrivate := readPrivate(private)
	switch {
	case errPublic == nil:
		return k.finishRotation()
	case !errors.Is(errPublic, fs.ErrNotExist):
		return errPublic
	case errors.Is(errPrivate, fs.ErrNotExist):
		_, made, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		key = made
		if err := writePrivate(private, key); err != nil {
			return err
		}
	case errPrivate != nil:
		return errPrivate
	}
	// The list comes second: once it is there, a missing key is a lost one.
	info, err := os.Stat(private)
	if err != nil {
		return err
	}
	half := key.Public().(ed25519.PublicKey)
	data, err := MarshalPublicKeys([]PublicKey{{ID: keyID(half), Key: half, Since: info.ModTime().UTC().Truncate(time.Second)}})
	if err != nil {
		return err
	}
	return durable.ReplaceFile(public, data)
}

// finishRotation ends what Rotate began: the list of public keys says whether the next key
// is in force already.
func (k *Keys) finishRotation() error {
	next, err := readPrivate(k.path(nextName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	public, err := k.readPublic()
	if err != nil {
		return err
	}
	if keyID(next.Public().(ed25519.PublicKey)) != public[0].ID {
		err = os.Remove(k.path(nextName)) // nobody has been told of it
	} else {
		err = os.Rename(k.path(nextName), k.path(privateName))
	}
	return errors.Join(err, durable.SyncDir(k.dir))
}

func (k *Keys) load() error {
	public, err := k.readPublic()
	if err != nil {
		return err
	}
	private, err := readPrivate(k.path(privateName))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w %s: %s is missing. It was made on %s and has signed since; put it back from the backup. "+
			"Only if it is lost for good: move the whole folder away and keep it, and the next start makes another key",
			ErrKey, public[0].ID, privateName, public[0].Since.Format(time.DateOnly))
	}
	if err != nil {
		return err
	}
	if id := keyID(private.Public().(ed25519.PublicKey)); id != public[0].ID {
		return fmt.Errorf("%w: %s holds key %s, but %s says that key %s signs: put the files back together from one backup",
			ErrKey, privateName, id, publicName, public[0].ID)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.private, k.public = private, public
	return nil
}

func (k *Keys) path(name string) string { return filepath.Join(k.dir, name) }

func (k *Keys) readPublic() ([]PublicKey, error) {
	data, err := os.ReadFile(k.path(publicName))
	if err != nil {
		return nil, err
	}
	return ParsePublicKeys(data)
}

// ReadPublicKeys reads the public keys of a folder without opening it, newest first.
func ReadPublicKeys(dir string) ([]PublicKey, error) {
	return (&Keys{dir: dir}).readPublic()
}

func (k *Keys) checkFolder() error {
	info, err := os.Stat(k.dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%w: others may write to %s (mode %04o): chmod 700 %s", ErrKey, k.dir, info.Mode().Perm(), k.dir)
	}
	return nil
}

// checkPrivate refuses a key that is not ours alone: what others could read, others could
// sign with.
func checkPrivate(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: %s is not a plain file", ErrKey, path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%w: %s can be read by others (mode %04o): chmod 600 %s, and think about vedette keys rotate",
			ErrKey, path, info.Mode().Perm(), path)
	}
	return nil
}

func readPrivate(path string) (ed25519.PrivateKey, error) {
	if err := checkPrivate(path); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parsePrivate(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKey, path, err)
	}
	return key, nil
}

func parsePrivate(data []byte) (ed25519.PrivateKey, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, errors.New("not one PEM block PRIVATE KEY: put the file back from the backup")
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := any.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T, want an Ed25519 key", any)
	}
	return key, nil
}

func writePrivate(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return durable.ReplaceFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// Sign signs purpose, a newline and data. It returns ErrKey when the key's file has gone
// or has become readable for others since the start.
func (k *Keys) Sign(purpose string, data []byte) (models.Signature, error) {
	if purpose == "" || strings.Contains(purpose, "\n") {
		return models.Signature{}, fmt.Errorf("sign: purpose %q", purpose)
	}
	private, id, err := k.signing()
	if err != nil {
		return models.Signature{}, fmt.Errorf("sign %s: %w", purpose, err)
	}
	return models.Signature{Algorithm: algorithm, Key: id, Purpose: purpose, Value: ed25519.Sign(private, message(purpose, data))}, nil
}

func (k *Keys) signing() (ed25519.PrivateKey, string, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.private == nil {
		return nil, "", fmt.Errorf("%w: closed", ErrKey)
	}
	if err := checkPrivate(k.path(privateName)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %s has gone since the start: put it back from the backup", ErrKey, k.path(privateName))
		}
		return nil, "", err
	}
	return k.private, k.public[0].ID, nil
}

// Public returns the public keys: the one that signs, then those before it, newest first.
func (k *Keys) Public() []PublicKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.Clone(k.public)
}

// Rotate makes another key that signs from now on, signed for by the one until now, whose
// private half is destroyed. It returns ErrInUse when another process has the keys open.
func (k *Keys) Rotate(at time.Time) (PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next, err := k.rotate(at.UTC().Truncate(time.Second))
	if err != nil {
		return PublicKey{}, fmt.Errorf("rotate key: %w", durable.Hint(err))
	}
	return next, nil
}

func (k *Keys) rotate(at time.Time) (PublicKey, error) {
	if k.private == nil {
		return PublicKey{}, fmt.Errorf("%w: closed", ErrKey)
	}
	if err := lockFile(context.Background(), k.lock, lockExclusive, 0); err != nil {
		if errors.Is(err, ErrInUse) {
			err = fmt.Errorf("%w: stop vedette first, start it again afterwards", err)
			// A failed upgrade of a lock may have let go of the old one (flock(2)).
			err = errors.Join(err, lockFile(context.Background(), k.lock, lockShared, keysWait))
		}
		return PublicKey{}, err
	}
	defer lockFile(context.Background(), k.lock, lockShared, keysWait)
	if !k.public[0].Since.Before(at) {
		return PublicKey{}, fmt.Errorf("the key in use is from %s, which is not before %s: look at the clock of this machine",
			k.public[0].Since.Format(time.RFC3339), at.Format(time.RFC3339))
	}
	half, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return PublicKey{}, err
	}
	next := PublicKey{ID: keyID(half), Key: half, Since: at}
	next.Endorsement = &models.Signature{Algorithm: algorithm, Key: k.public[0].ID, Purpose: PurposeKey,
		Value: ed25519.Sign(k.private, message(PurposeKey, next.endorsed()))}
	public := append([]PublicKey{next}, k.public...)
	public[1].Until = at
	if err := CheckKeys(public); err != nil {
		return PublicKey{}, err
	}
	data, err := MarshalPublicKeys(public)
	if err != nil {
		return PublicKey{}, err
	}
	if err := writePrivate(k.path(nextName), private); err != nil {
		return PublicKey{}, err
	}
	if err := durable.ReplaceFile(k.path(publicName), data); err != nil { // from here on the next key is in force
		return PublicKey{}, err
	}
	if err := k.finishRotation(); err != nil {
		return PublicKey{}, err
	}
	k.private, k.public = private, public
	return next, nil
}

// boundLog is the name of the log that the keys have signed for, empty while there is
// none. So a log that is taken away is missed.
func (k *Keys) boundLog() (string, error) {
	data, err := os.ReadFile(k.path(boundName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

// bindLog notes the name of the log that the keys sign for from now on.
func (k *Keys) bindLog(origin string) error {
	return durable.ReplaceFile(k.path(boundName), []byte(origin+"\n"))
}

// unbindLog forgets it, when a log is set aside.
func (k *Keys) unbindLog() error {
	if err := os.Remove(k.path(boundName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.SyncDir(k.dir)
}

func (k *Keys) current() string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.public[0].ID
}

// Close lets go of the folder and forgets the key.
func (k *Keys) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.private = nil
	return k.lock.Close()
}
