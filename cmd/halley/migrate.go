package main

type migrateCommand struct {
	storeConfig `embed:""`
}

// Help is the long text of --help.
func (migrateCommand) Help() string {
	return `Several processes may do it at once; what is up to date stays as it is. Migrations only go forward.`
}

// Run brings the schema up to date.
func (c migrateCommand) Run(p *process, log logConfig) error {
	store, err := c.open(p.ctx, log.logger(p.stderr))
	if err != nil {
		return err
	}
	return store.Close()
}
