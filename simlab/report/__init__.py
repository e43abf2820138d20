"""Reports of a study: the headline table, the answer in sentences, pictures, and the page that holds them."""
