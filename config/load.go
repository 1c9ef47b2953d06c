package config

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Load reads the file at path with the variables of the process. The error is Mistakes
// when the file is wrong, and wraps fs.ErrNotExist when there is none.
func Load(path string) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, os.LookupEnv)
}

// readFile reads what Parse accepts at most, and one byte more so that Parse can refuse it.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return data, nil
}

// Hash is the hash that names a configuration: SHA-256 of the file's bytes, in hex.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Parse reads a configuration from data. name is the file that data came from: mistakes
// name it and relative paths start from its folder. env looks up variables; nil knows
// none. The error is Mistakes when the data is wrong.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", name, err)
	}
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	root, mistakes := parseYAML(name, data)
	if root.form == formAbsent {
		return nil, mistakes
	}
	d := &decoder{file: name, dir: filepath.Dir(absolute), env: env, mistakes: mistakes}
	var f file
	wholeFile().fill(d, &f)
	if root.form != formBroken {
		wholeFile().read(d, root, "", &f)
	}
	if ms := d.all(); len(ms) > 0 {
		return nil, ms
	}
	f.Path, f.Hash, f.Source = absolute, Hash(data), Secret(data)
	return &f.Config, nil
}

// keyPair checks that a certificate and a key belong together. Errors do not name paths,
// which may come from variables.
func keyPair(certFile, keyFile string) error {
	cert, err := readSmall(certFile)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	key, err := readSmall(keyFile)
	if err != nil {
		return err
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return errors.New("not the key of tls_cert")
	}
	return nil
}
