"""From a fit or a pilot study to the worlds that a new study is planned on."""
