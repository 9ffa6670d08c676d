"""Write docs/outputs.md, every table and column, from resources/outputs.tsv.

python workflow/scripts/report_outputs.py
"""

from trdomics.report.outputs import outputs_page, read_outputs
from trdomics.shipped import shipped

if __name__ == "__main__":
    shipped("docs/outputs.md").write_text(outputs_page(read_outputs()), encoding="utf-8")
