package backup

// At has step called between the steps of a backup.
func (s Source) At(step func(string)) Source {
	s.step = step
	return s
}

// At has step called between the steps of a restore.
func (b *Backup) At(step func(string)) { b.step = step }
